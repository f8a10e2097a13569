import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describeWith } from '../../../../../../test/tools/requirements';
import { directory, file, hardlink, symlink, tar } from '../tar/tar.fixture';
import { LayerLab } from './layer.fixture';
import { isWhiteout } from './lower-layers';

const lab = new LayerLab();
afterAll(() => lab.remove());

/** Of others the kernel does not take what is to be seen. */
const asRoot = (name: string, body: () => Promise<void>): void =>
  describeWith(['root'], name, () => test('as root', body));

/** What a layer has at a path: `whiteout`, `directory`, or a file's content. */
function at(root: string, path: string): string {
  const stats = lstatSync(join(root, path), { throwIfNoEntry: false });
  if (stats === undefined) return 'absent';
  if (isWhiteout(stats)) return 'whiteout';
  return stats.isDirectory() ? 'directory' : readFileSync(join(root, path), 'utf8');
}

test.each(['none', 'gzip'])('a layer packed with %s is unpacked', async (how) => {
  const archive = tar(
    directory('etc'),
    file('etc/motd', 'hello'),
    symlink('motd', 'etc/motd'),
    hardlink('same', 'etc/motd'),
  );
  const root = await lab.unpack(how === 'gzip' ? gzipSync(archive) : archive);
  expect(readFileSync(join(root, 'motd'), 'utf8')).toBe('hello');
  expect(statSync(join(root, 'same')).ino).toBe(statSync(join(root, 'etc/motd')).ino);
});

asRoot('owners, modes with set-id bits, and times are those of the archive', async () => {
  const root = await lab.unpack(
    tar(
      directory('d', { mode: 0o1777, uid: 5, mtime: 1_000_000_000 }),
      file('d/s', 'x', { mode: 0o6755, uid: 33, gid: 44, mtime: 1_100_000_000 }),
      { ...symlink('d/l', 's'), uid: 12, mtime: 1_200_000_000 },
    ),
  );
  const of = (path: string) => {
    const { mode, uid, gid, mtimeMs } = lstatSync(join(root, path));
    return [mode & 0o7777, uid, gid, mtimeMs / 1000];
  };
  expect(of('d')).toEqual([0o1777, 5, 0, 1_000_000_000]);
  expect(of('d/s')).toEqual([0o6755, 33, 44, 1_100_000_000]);
  expect(of('d/l').slice(1)).toEqual([12, 0, 1_200_000_000]);
});

test('names that are no UTF-8 stay what they are', async () => {
  const root = await lab.unpack(tar(file('caf\xe9', 'x')));
  expect(readdirSync(root, { encoding: 'buffer' })).toEqual([Buffer.from('caf\xe9', 'latin1')]);
});

test('sparse files keep their holes', async () => {
  const pax = [
    ['GNU.sparse.map', '0,3,1048576,3'],
    ['GNU.sparse.size', '2097152'],
  ] as const;
  const root = await lab.unpack(tar(file('hole', 'onetwo', { pax })));
  const content = readFileSync(join(root, 'hole'));
  expect([content.length, content.toString('utf8', 0, 3), content.toString('utf8', 1_048_576, 1_048_579)]).toEqual([
    2_097_152,
    'one',
    'two',
  ]);
  expect(statSync(join(root, 'hole')).blocks * 512).toBeLessThan(100_000);
});

asRoot('extended attributes that are wanted are set, others are not', async () => {
  const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
  const pax = [
    ['SCHILY.xattr.security.capability', capability],
    ['SCHILY.xattr.trusted.overlay.redirect', '/etc'],
    ['SCHILY.xattr.user.overlay.opaque', 'y'],
  ] as const;
  const root = await lab.unpack(tar(file('pi ng', 'x', { pax })));
  const shown = execFileSync('getfattr', ['-d', '-m', '-', '-e', 'hex', 'pi ng'], { cwd: root }).toString();
  expect(shown.split('\n').filter((line) => line.includes('='))).toEqual([
    `security.capability=0x${capability.toString('hex')}`,
  ]);
});

describe('on layers below', () => {
  const base = () =>
    lab.unpack(
      tar(
        directory('tmp', { mode: 0o1777, uid: 3 }),
        directory('etc'),
        file('etc/a', 'base'),
        file('etc/b', 'base'),
        directory('etc/d'),
        file('etc/d/x', 'base'),
        file('etc/d/y', 'base'),
        symlink('lib', 'etc'),
      ),
    );

  asRoot('a whiteout hides a name', async () => {
    const root = await lab.unpack(tar(file('etc/.wh.a')), { lowers: [await base()] });
    expect([at(root, 'etc/a'), at(root, 'etc/.wh.a')]).toEqual(['whiteout', 'absent']);
  });

  asRoot('an opaque directory hides all that it does not bring, at any depth', async () => {
    const archive = tar(
      directory('etc'),
      file('etc/.wh..wh..opq'),
      file('etc/a', 'new'),
      directory('etc/d'),
      file('etc/d/y', 'new'),
    );
    const root = await lab.unpack(archive, { lowers: [await base()] });
    const found = ['etc/a', 'etc/b', 'etc/d', 'etc/d/x', 'etc/d/y'].map((path) => at(root, path));
    expect(found).toEqual(['new', 'whiteout', 'directory', 'whiteout', 'new']);
  });

  asRoot('what was hidden already needs no hiding', async () => {
    const bottom = await base();
    const middle = await lab.unpack(tar(file('etc/.wh.b'), file('etc/c', 'middle')), { lowers: [bottom] });
    const top = await lab.unpack(tar(directory('etc'), file('etc/.wh..wh..opq')), { lowers: [middle, bottom] });
    expect(readdirSync(join(top, 'etc')).sort()).toEqual(['a', 'c', 'd']);
  });

  asRoot('a directory that is removed and made again shows nothing of what it was', async () => {
    const root = await lab.unpack(tar(file('etc/.wh.d'), directory('etc/d'), file('etc/d/z', 'new')), {
      lowers: [await base()],
    });
    expect([at(root, 'etc/d/x'), at(root, 'etc/d/y'), at(root, 'etc/d/z')]).toEqual(['whiteout', 'whiteout', 'new']);
  });

  asRoot('directories that only their contents name are as they are below', async () => {
    const root = await lab.unpack(tar(file('tmp/x/y', 'new')), { lowers: [await base()] });
    const { mode, uid } = lstatSync(join(root, 'tmp'));
    expect([mode & 0o7777, uid]).toEqual([0o1777, 3]);
    expect(lstatSync(join(root, 'tmp/x')).mode & 0o7777).toBe(0o755);
  });

  asRoot('a link below is not followed to find out', async () => {
    const root = await lab.unpack(tar(directory('lib'), file('lib/.wh..wh..opq')), { lowers: [await base()] });
    expect(readdirSync(join(root, 'lib'))).toEqual([]);
  });
});

test('layers packed with zstd are unpacked, or said to need a newer Node', async () => {
  const packed = execFileSync('node', [
    '-e',
    "const z=require('zlib');process.stdout.write(z.zstdCompressSync?z.zstdCompressSync(Buffer.from(process.argv[1],'base64')):Buffer.from('28b52ffd','hex'))",
    tar(file('a', 'zstd')).toString('base64'),
  ]);
  const unpacked = lab.unpack(packed).then((root) => at(root, 'a'));
  if ('createZstdDecompress' in (await import('node:zlib'))) expect(await unpacked).toBe('zstd');
  else await expect(unpacked).rejects.toThrow('Node 22.15');
});
