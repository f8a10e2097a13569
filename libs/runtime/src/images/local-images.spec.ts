import { buffer } from 'node:stream/consumers';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { dockerArchive, type LocalImage } from './docker-archive';
import { planNodeImage } from './node-image';
import { parseLdd, unusualDirectories } from './shared-libraries';

const directory = mkdtempSync(join(tmpdir(), 'nestor-archive-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function entriesOf(tar: Buffer) {
  const found = new Map<string, { type: string; mode: number; content: Buffer }>();
  const reader = extract();
  Readable.from([tar]).pipe(reader);
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    const { name, type, mode } = entry.header;
    found.set(name, { type, mode, content: Buffer.concat(chunks) });
  }
  return found;
}

const file = join(directory, 'large');
writeFileSync(file, Buffer.alloc(1_000_000, 'x'));
const image: LocalImage = {
  architecture: 'arm64',
  tags: ['nestor.local/test:1'],
  config: { Cmd: ['a'] },
  files: [
    { path: '/tmp', mode: 0o1777, isDirectory: true },
    { path: '/large', mode: 0o755, source: file, size: 1_000_000 },
    { path: '/etc/motd', mode: 0o644, content: Buffer.from('hello') },
    { path: '/bin/sh', linkTo: 'busybox' },
  ],
};

test('an archive has a layer, its configuration with the digest of the layer, and a manifest', async () => {
  const entries = await entriesOf(await buffer(dockerArchive(image)));
  const layer = entries.get('layer.tar')?.content ?? Buffer.alloc(0);
  const [manifest] = JSON.parse(String(entries.get('manifest.json')?.content)) as [
    { Config: string; RepoTags: string[] },
  ];
  expect(manifest).toMatchObject({ RepoTags: image.tags, Layers: ['layer.tar'] });
  const config = entries.get(manifest.Config)?.content ?? Buffer.alloc(0);
  expect(manifest.Config).toBe(`${createHash('sha256').update(config).digest('hex')}.json`);
  expect(JSON.parse(String(config))).toMatchObject({
    architecture: 'arm64',
    config: { Cmd: ['a'] },
    rootfs: { diff_ids: [`sha256:${createHash('sha256').update(layer).digest('hex')}`] },
  });
  const files = await entriesOf(layer);
  expect([...files.keys()]).toEqual(['tmp', 'large', 'etc/motd', 'bin/sh']);
  expect(files.get('tmp')).toMatchObject({ type: 'directory', mode: 0o1777 });
  expect(files.get('large')?.content).toHaveLength(1_000_000);
  expect(files.get('bin/sh')?.type).toBe('symlink');
});

test('the same content is the same image', async () => {
  expect(await buffer(dockerArchive(image))).toEqual(await buffer(dockerArchive(image)));
});

test('a file that shrinks meanwhile is an error, not a broken image', async () => {
  const shrinking = join(directory, 'shrinking');
  writeFileSync(shrinking, 'abc');
  const broken: LocalImage = { ...image, files: [{ path: '/a', mode: 0o644, source: shrinking, size: 3 }] };
  truncateSync(shrinking, 1);
  await expect(buffer(dockerArchive(broken))).rejects.toThrow(/size/i);
});

test('ldd of glibc and musl is understood, and a missing library is an error', () => {
  const glibc =
    '\tlinux-vdso.so.1 (0x00007f)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\t/lib64/ld-linux-x86-64.so.2 (0x0f)\n';
  expect(parseLdd(glibc)).toEqual(['/lib/x86_64-linux-gnu/libc.so.6', '/lib64/ld-linux-x86-64.so.2']);
  const musl = '\t/lib/ld-musl-x86_64.so.1 (0x7f)\n\tlibc.musl-x86_64.so.1 => /lib/ld-musl-x86_64.so.1 (0x7f)\n';
  expect(new Set(parseLdd(musl))).toEqual(new Set(['/lib/ld-musl-x86_64.so.1']));
  expect(() => parseLdd('\tlibx.so.1 => not found\n')).toThrow('libx.so.1');
});

test('only directories where no loader looks are named', () => {
  expect(
    unusualDirectories(['/lib/x86_64-linux-gnu/a', '/lib64/b', '/nix/store/c/lib/d', '/nix/store/c/lib/e']),
  ).toEqual(['/nix/store/c/lib']);
});

const isKnown = process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64');
(isKnown ? test : test.skip)('the node image is planned alike twice, with parents before children', async () => {
  const [one, two] = await Promise.all([planNodeImage('x64'), planNodeImage('x64')]);
  expect(one.key).toBe(two.key);
  expect(one.tags).toContain(`nestor.local/node:${process.versions.node.split('.')[0]}`);
  const { files } = await one.build();
  const seen = new Set<string>(['/']);
  for (const { path } of files) {
    expect(seen).toContain(path.slice(0, path.lastIndexOf('/')) || '/');
    expect(seen).not.toContain(path);
    seen.add(path);
  }
  for (const program of ['/usr/local/bin/node', '/bin/sh', '/bin/tar', '/bin/ls', '/bin/cat', '/bin/sleep']) {
    expect(seen).toContain(program);
  }
});
