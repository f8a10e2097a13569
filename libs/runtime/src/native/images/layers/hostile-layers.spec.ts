import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describeWith } from '../../../../../../test/tools/requirements';
import fc from 'fast-check';
import { directory, type Entry, file, hardlink, symlink, tar } from '../tar/tar.fixture';
import { LayerLab } from './layer.fixture';

const lab = new LayerLab();
afterAll(() => lab.remove());

const outside = join(lab.home, 'outside');
const secret = join(outside, 'secret');

describe.each<[string, readonly Entry[]]>([
  ['a path that goes up', [file('../../../outside/secret', 'evil')]],
  ['a path that goes up in its middle', [directory('a'), file('a/../../../../outside/secret', 'evil')]],
  ['a hard link to a file outside', [hardlink('a', secret), file('a', 'evil')]],
  ['a hard link that goes up', [hardlink('a', '../../../outside/secret')]],
  ['a hard link through a symbolic link', [symlink('up', outside), hardlink('a', 'up/secret')]],
  ['a hard link through a relative symbolic link', [symlink('up', '../../../outside'), hardlink('a', 'up/secret')]],
  ['a whiteout of a parent', [directory('a'), file('a/.wh...')]],
  ['a whiteout of itself', [directory('a'), file('a/.wh..')]],
  ['a whiteout of nothing', [file('.wh.')]],
  ['a name with a zero byte', [file('x', 'x', { pax: [['path', 'a\0b']] })]],
  ['a file as a directory', [file('a'), file('a/b')]],
  ['the root as a file', [file('.', 'evil')]],
  ['the root as a link', [symlink('./', outside)]],
  ['a circle of links', [symlink('a', 'b'), symlink('b', 'a'), file('a/x')]],
  ['a whiteout in disguise', [{ name: 'a', type: '3', device: [0, 0] }]],
  ['a name that is too long', [file('x', 'x', { pax: [['path', 'n'.repeat(256)]] })]],
  ['a path that is too long', [file('x', 'x', { pax: [['path', 'nnn/'.repeat(1000)]] })]],
])('%s', (_, entries) => {
  test('is refused, and changes nothing outside', async () => {
    const before = lab.outside();
    await expect(lab.unpack(tar(...entries), { devices: 'create' })).rejects.toMatchObject({
      name: 'UnsafeLayerError',
    });
    expect(lab.outside()).toBe(before);
  });
});

describe.each<[string, readonly Entry[], string]>([
  ['an absolute path', [file(`${outside}/new`, 'inside')], `${outside}/new`],
  [
    'a symbolic link to a directory outside, and a file through it',
    [symlink('a', outside), file('a/new', 'inside')],
    `${outside}/new`,
  ],
  [
    'a relative link, and a file through it',
    [symlink('a', '../../../outside'), file('a/new', 'inside')],
    'outside/new',
  ],
  ['a symbolic link to the root', [symlink('a', '/'), file('a/etc/new', 'inside')], 'etc/new'],
  ['a link to a link', [symlink('a', 'b'), symlink('b', outside), file('a/new', 'inside')], `${outside}/new`],
  [
    'a directory that becomes a link',
    [directory('a'), file('a/x'), symlink('a', outside), file('a/new', 'inside')],
    `${outside}/new`,
  ],
  ['a link that becomes a file', [symlink('a', secret), file('a', 'inside')], 'a'],
  ['a link that becomes a directory', [symlink('a', outside), directory('a'), file('a/new', 'inside')], 'a/new'],
  ['a link whose target comes later', [symlink('a', 'b/c'), file('a/new', 'inside')], 'b/c/new'],
])('%s', (_, entries, where) => {
  test('stays inside', async () => {
    const before = lab.outside();
    const root = await lab.unpack(tar(...entries));
    expect(readFileSync(join(root, where), 'utf8')).toBe('inside');
    expect(lstatSync(join(root, where)).isSymbolicLink()).toBe(false);
    expect(lab.outside()).toBe(before);
  });
});

test('attributes of links are their own, never those of what they lead to', async () => {
  const before = lab.outside();
  const root = await lab.unpack(tar({ ...symlink('a', secret), mode: 0o4777, uid: 7 }, hardlink('b', 'a')));
  expect(readlinkSync(join(root, 'b'))).toBe(secret);
  expect(lab.outside()).toBe(before);
});

test('removing what a layer replaces follows no link', async () => {
  const before = lab.outside();
  const entries = [directory('a'), directory('a/b'), symlink('a/b/out', outside), file('a', 'now a file')];
  const root = await lab.unpack(tar(...entries));
  expect(readFileSync(join(root, 'a'), 'utf8')).toBe('now a file');
  expect(lab.outside()).toBe(before);
});

test('whatever entries say, nothing outside changes', async () => {
  const name = fc.constantFrom(
    'a',
    'b',
    'a/b',
    'a/b/a',
    'b/a',
    './a/',
    '/b',
    'a/secret',
    '.wh.a',
    'a/.wh.b',
    'a/.wh..wh..opq',
  );
  const target = fc.constantFrom(
    outside,
    secret,
    '/',
    '.',
    '..',
    '../../..',
    'a',
    'b',
    'a/b',
    '../../../outside',
    'secret',
  );
  const entry = fc.oneof(
    name.map((one) => file(one, 'evil')),
    name.map((one) => directory(one, { mode: 0o777 })),
    fc.tuple(name, target).map(([one, to]) => symlink(one, to)),
    fc.tuple(name, target).map(([one, to]) => hardlink(one, to)),
    name.map((one): Entry => ({ name: one, type: '6' })),
  );
  const before = lab.outside();
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 12 }), async (entries) => {
      await lab
        .unpack(tar(...entries))
        .catch((error: unknown) => expect(error).toMatchObject({ name: 'UnsafeLayerError' }));
      expect(lab.outside()).toBe(before);
    }),
    { numRuns: 60 },
  );
});

describe('devices', () => {
  const entries = [
    file('etc/x'),
    { name: 'dev/sda', type: '4', device: [8, 0] },
    hardlink('dev/disk', 'dev/sda'),
  ] as const;

  test('are left out', async () => {
    const root = await lab.unpack(tar(...entries));
    expect(readdirSync(join(root, 'dev'))).toEqual([]);
    expect(existsSync(join(root, 'etc/x'))).toBe(true);
  });

  test('are refused if they shall be', async () => {
    await expect(lab.unpack(tar(...entries), { devices: 'refuse' })).rejects.toThrow('is a device');
  });

  describeWith(['root'], 'of root', () => {
    test('are made if they shall be', async () => {
      const root = await lab.unpack(tar(...entries), { devices: 'create' });
      const stats = lstatSync(join(root, 'dev/disk'));
      expect(stats.isBlockDevice()).toBe(true);
      expect(stats.rdev).toBe(0x800);
    });
  });
});

describe('bombs', () => {
  test('that unpack to far more than they are', async () => {
    const bomb = gzipSync(tar(file('zeros', Buffer.alloc(80 * 2 ** 20))));
    expect(bomb.length).toBeLessThan(100_000);
    await expect(lab.unpack(bomb)).rejects.toThrow('times as large');
  });

  test('that are too large', async () => {
    await expect(lab.unpack(tar(file('a', 'x'.repeat(2000))), { limits: { layerBytes: 1000 } })).rejects.toThrow(
      'larger than 1000',
    );
  });

  test('that are large only when their holes are counted', async () => {
    const pax = [
      ['GNU.sparse.map', '0,1'],
      ['GNU.sparse.size', `${2 ** 50}`],
    ] as const;
    await expect(lab.unpack(tar(file('hole', 'x', { pax })))).rejects.toThrow('larger than');
  });

  test('of entries', async () => {
    const entries = Array.from({ length: 20 }, (_, index) => file(`${index}`));
    await expect(lab.unpack(tar(...entries), { limits: { layerEntries: 10 } })).rejects.toThrow('more than 10 entries');
  });
});
