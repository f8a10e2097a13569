import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { buffer } from 'node:stream/consumers';
import { directory, file, hardlink, header, inPieces, symlink, tar, withChecksum } from './tar.fixture';
import { readTar, type TarHeader } from './tar-reader';

async function entriesOf(archive: Buffer, piece = 4096): Promise<(TarHeader & { content: string })[]> {
  const found: (TarHeader & { content: string })[] = [];
  for await (const { header: read, content } of readTar(inPieces(archive, piece))) {
    found.push({ ...read, content: (await buffer(content)).toString('latin1') });
  }
  return found;
}

test('entries are the same however the archive comes in pieces', async () => {
  const names = fc.stringMatching(/^[a-z]{1,20}(\/[a-z]{1,20}){0,3}$/);
  const contents = fc.uint8Array({ maxLength: 3000 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(names, contents)), fc.integer({ min: 1, max: 2000 }), async (files, piece) => {
      const archive = tar(...files.map(([name, content]) => file(name, Buffer.from(content))));
      const read = await entriesOf(archive, piece);
      expect(read.map(({ path, content }) => [path, content])).toEqual(
        files.map(([name, content]) => [name, Buffer.from(content).toString('latin1')]),
      );
    }),
    { numRuns: 30 },
  );
});

test('whatever is read instead of an archive is an error or entries, never anything else', async () => {
  const archive = tar(directory('a'), file('a/b', 'content', { pax: [['path', 'a/long']] }), symlink('c', 'a/b'));
  await fc.assert(
    fc.asyncProperty(
      fc.nat(archive.length - 1),
      fc.integer({ min: 0, max: 255 }),
      fc.boolean(),
      async (at, byte, cut) => {
        const damaged = Buffer.from(archive);
        damaged[at] = byte;
        const given = cut ? damaged.subarray(0, at) : damaged;
        await entriesOf(given).catch((error: unknown) => expect(error).toMatchObject({ name: 'TarError' }));
      },
    ),
  );
});

test('content that is not read is skipped', async () => {
  const names: string[] = [];
  for await (const entry of readTar(inPieces(tar(file('a', 'x'.repeat(1000)), file('b', 'y')), 100))) {
    names.push(entry.header.path);
    for await (const _ of entry.content) break;
  }
  expect(names).toEqual(['a', 'b']);
});

test('extended headers give long names, times with fractions, large owners and attributes of any bytes', async () => {
  const capability = Buffer.from([1, 0, 0, 2, 0xff, 0x0a, 0x3d]);
  const pax = [
    ['path', 'p'.repeat(300)],
    ['mtime', '1700000000.25'],
    ['uid', '3000000'],
    ['SCHILY.xattr.security.capability', capability],
  ] as const;
  const [entry] = await entriesOf(tar(file('short', 'x', { pax })));
  expect(entry).toMatchObject({ path: 'p'.repeat(300), mtime: 1_700_000_000.25, uid: 3_000_000 });
  expect(entry?.xattrs.get('security.capability')).toEqual(capability);
});

test.each([
  ['an endless extended header', () => header({ name: 'x', type: 'x' }, 2 ** 30), 'too large'],
  ['an endless long name', () => header({ name: 'x', type: 'L' }, 2 ** 30), 'too large'],
  ['a wrong checksum', () => Buffer.concat([Buffer.from('y'), header({ name: 'x' }, 0).subarray(1)]), 'checksum'],
  ['an unknown type', () => header({ name: 'x', type: 'Q' }, 0), 'not supported'],
  ['an end in the middle', () => Buffer.concat([header({ name: 'x' }, 100), Buffer.alloc(10)]), 'in the middle'],
  ['a negative size', () => tar({ name: 'x', pax: [['size', '-1']] }), 'negative'],
  ['an overlapping sparse map', () => sparse('0,2,1,2', 10, 4), 'damaged'],
  ['a sparse map beyond the file', () => sparse('9,4', 10, 4), 'damaged'],
  ['a sparse map that promises more', () => sparse('0,8', 10, 4), 'does not fit'],
])('%s is an error', async (_, make, message) => {
  await expect(entriesOf(make())).rejects.toThrow(message);
});

function sparse(map: string, size: number, stored: number): Buffer {
  const pax = [
    ['GNU.sparse.map', map],
    ['GNU.sparse.size', `${size}`],
  ] as const;
  return tar(file('x', 'x'.repeat(stored), { pax }));
}

describe('what GNU tar writes', () => {
  const home = mkdtempSync(join(tmpdir(), 'nestor-tar-'));
  afterAll(() => rmSync(home, { recursive: true }));
  const long = `${'d'.repeat(90)}/${'f'.repeat(90)}`;

  beforeAll(() => {
    execFileSync('mkdir', ['-p', join(home, 'in', 'd'.repeat(90))]);
    writeFileSync(join(home, 'in', long), 'long');
    writeFileSync(join(home, 'in/hole'), 'start');
    truncateSync(join(home, 'in/hole'), 50 * 2 ** 20);
    writeFileSync(join(home, 'in/hole'), 'end', { flag: 'a' });
  });

  test.each([
    ['gnu', []],
    ['posix', ['--sparse-version=0.0']],
    ['posix', ['--sparse-version=0.1']],
    ['posix', ['--sparse-version=1.0']],
  ])('%s %s: long names and sparse files', async (format, more) => {
    const archive = join(home, `${format}${more.join('')}.tar`);
    execFileSync('tar', ['-C', join(home, 'in'), `--format=${format}`, '--sparse', ...more, '-cf', archive, '.']);
    const entries = await entriesOf(readFileSync(archive));
    expect(entries.find(({ path }) => path === `./${long}`)?.content).toBe('long');
    const hole = entries.find(({ path }) => path === './hole');
    expect(hole).toMatchObject({ size: 50 * 2 ** 20 + 3 });
    const [first, ...others] = hole?.extents ?? [];
    expect(first?.offset).toBe(0);
    expect(hole?.content.startsWith('start')).toBe(true);
    const last = others.filter(({ length }) => length > 0).at(-1);
    expect((last?.offset ?? 0) + (last?.length ?? 0)).toBe(50 * 2 ** 20 + 3);
  });
});

test('links and directories of old archives', async () => {
  const entries = await entriesOf(tar({ name: 'old/' }, hardlink('b', 'a'), symlink('c', '../a')));
  expect(entries.map(({ type, linkPath }) => [type, linkPath])).toEqual([
    ['directory', ''],
    ['hardlink', 'a'],
    ['symlink', '../a'],
  ]);
});

test('GNU numbers may be binary', async () => {
  const block = header({ name: 'x' }, 0);
  block.fill(0, 108, 116);
  block[108] = 0x80;
  block.writeUInt32BE(4_000_000_000, 112);
  const [entry] = await entriesOf(Buffer.concat([withChecksum(block), Buffer.alloc(1024)]));
  expect(entry?.uid).toBe(4_000_000_000);
});
