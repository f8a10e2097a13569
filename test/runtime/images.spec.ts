import { execFileSync } from 'node:child_process';
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { ensureStoredLocalImages } from '#runtime';
import { describeWith } from '../tools/requirements';
import { descriptorOf, digestOf, imageOf, makeImage, makeTar, mediaTypes } from './images/made-image';
import { RegistryProcess } from './images/registry-process';
import { StoreLab } from './images/store-lab';

const base = [
  { name: 'etc', type: 'directory', mode: 0o755 },
  { name: 'etc/gone', content: 'base' },
  { name: 'etc/kept', content: 'base' },
  { name: 'opaque/old', content: 'base' },
  { name: 'tmp', type: 'directory', mode: 0o1777 },
] as const;
const above = [
  { name: 'etc/.wh.gone' },
  { name: 'opaque', type: 'directory' },
  { name: 'opaque/.wh..wh..opq' },
  { name: 'opaque/new', content: 'new' },
  { name: 'tmp/file', content: 'implied', uid: 12, mode: 0o4755 },
] as const;

describeWith(['registry', 'root'], 'images of a registry', () => {
  let open: RegistryProcess;
  let closed: RegistryProcess;
  const lab = new StoreLab();

  beforeAll(async () => {
    [open, closed] = await Promise.all([RegistryProcess.start(false), RegistryProcess.start(true)]);
  });

  afterAll(async () => {
    await lab.remove();
    await Promise.all([open.stop(), closed.stop()]);
  });

  test('are pulled, unpacked, and mounted as they were made', async () => {
    const image = await makeImage([base, above], {
      Env: ['A=b'],
      Entrypoint: ['/init'],
      Cmd: ['go'],
      User: '1000:1000',
      WorkingDir: '/srv',
      Labels: { a: 'b' },
      StopSignal: 'SIGINT',
      Volumes: { '/data': {} },
    });
    const digest = await open.push('team/app', 'v1', image);
    const store = await lab.open();
    const seen = new Set<string>();
    const id = await store.pull(`${open.host}/team/app:v1`, undefined, ({ phase }) => seen.add(phase));
    expect(id).toBe(digestOf(image.config));
    expect([...seen].sort()).toEqual(['done', 'downloading', 'unpacking']);
    expect(await store.status(`${open.host}/team/app:v1`)).toEqual({
      id,
      tags: [`${open.host}/team/app:v1`],
      digests: [`${open.host}/team/app@${digest}`],
      sizeBytes: 22,
      uid: 1000,
    });
    const { layers, config } = await store.rootfs(id, 'container-1');
    expect(config).toEqual({
      env: ['A=b'],
      entrypoint: ['/init'],
      cmd: ['go'],
      user: '1000:1000',
      workdir: '/srv',
      labels: { a: 'b' },
      stopSignal: 'SIGINT',
      volumes: ['/data'],
    });
    const mounted = lab.mount(layers);
    expect(readdirSync(join(mounted, 'etc'))).toEqual(['kept']);
    expect(readdirSync(join(mounted, 'opaque'))).toEqual(['new']);
    expect(statSync(join(mounted, 'tmp')).mode & 0o7777).toBe(0o1777);
    expect(statSync(join(mounted, 'tmp/file'))).toMatchObject({ uid: 12, mode: 0o104755 });
    expect(await store.users()).toEqual(['container-1']);
  });

  test('are those of the machine, if there are several', async () => {
    const one = await makeImage([[{ name: 'amd64' }]]);
    const other = await makeImage([[{ name: 'arm64' }]]);
    for (const [tag, image] of Object.entries({ one, other })) await open.push('multi', tag, image);
    const entry = (manifest: Buffer, architecture: string) => ({
      ...descriptorOf(mediaTypes.manifest, manifest),
      platform: { os: 'linux', architecture },
    });
    const index = { schemaVersion: 2, manifests: [entry(one.manifest, 'amd64'), entry(other.manifest, 'arm64')] };
    const body = Buffer.from(JSON.stringify({ ...index, mediaType: mediaTypes.index }));
    const digest = await open.pushManifest('multi', 'latest', body, mediaTypes.index);
    const store = await lab.open();
    const image = `${open.host}/multi@${digest}`;
    expect(await store.pull(image)).toBe(digestOf(one.config));
    expect((await store.status(image))?.digests).toEqual([image]);
    const arm = await lab.open({ platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } });
    expect(await arm.pull(`${open.host}/multi`)).toBe(digestOf(other.config));
    const mips = await lab.open({ platform: { os: 'linux', architecture: 'mips' } });
    await expect(mips.pull(`${open.host}/multi`)).rejects.toMatchObject({ code: 'image-not-found' });
  });

  test.each([
    [undefined, 'image-unauthorized'],
    [{ username: 'alice', password: 'wrong' }, 'image-unauthorized'],
    [{ username: 'alice', password: 'wonderland', serverAddress: 'https://elsewhere.example' }, 'image-unauthorized'],
  ])('are not given to %j', async (credentials, code) => {
    const store = await lab.open();
    await closed.push('private', 'v1', await makeImage([[{ name: 'a' }]]));
    await expect(store.pull(`${closed.host}/private:v1`, credentials)).rejects.toMatchObject({ code });
  });

  test('are given to who may have them', async () => {
    const store = await lab.open();
    const image = await makeImage([[{ name: 'b' }]]);
    await closed.push('private', 'v2', image);
    const credentials = { username: 'alice', password: 'wonderland', serverAddress: closed.host };
    expect(await store.pull(`${closed.host}/private:v2`, credentials)).toBe(digestOf(image.config));
  });

  test.each([
    ['UPPER', 'invalid-image-name', 'couldn\'t parse image reference "UPPER": invalid reference format'],
    [
      '{host}/nothing:v1',
      'image-not-found',
      'failed to resolve reference "{host}/nothing:v1": {host}/nothing:v1: not found',
    ],
    ['127.0.0.1:1/x', 'pull-failed', 'ECONNREFUSED'],
  ])('%s is an error of the kind %s', async (name, code, message) => {
    const store = await lab.open();
    const fill = (text: string): string => text.replaceAll('{host}', open.host);
    const error: unknown = await store.pull(fill(name)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toContain(fill(message));
  });
});

describeWith(['root'], 'images of archives', () => {
  const lab = new StoreLab();
  afterAll(() => lab.remove());

  test.each(['as it is', 'packed'])('an OCI layout is loaded %s', async (how) => {
    const image = await makeImage([base, above]);
    const store = await lab.open();
    const name = (body: Buffer): string => `blobs/${digestOf(body).replace(':', '/')}`;
    const entry = {
      ...descriptorOf(mediaTypes.manifest, image.manifest),
      annotations: { 'org.opencontainers.image.ref.name': 'quay.io/layout:1' },
    };
    const archive = await makeTar([
      { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
      { name: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests: [entry] }) },
      ...[image.manifest, image.config, ...image.layers].map((content) => ({ name: name(content), content })),
    ]);
    const [id] = await store.load(Readable.from([how === 'packed' ? gzipSync(archive) : archive]));
    expect(id).toBe(digestOf(image.config));
    expect((await store.status('quay.io/layout:1'))?.id).toBe(id);
    expect(lab.files('tmp')).toEqual([]);
  });

  test('a root file system is imported', async () => {
    const store = await lab.open();
    const archive = gzipSync(await makeTar([{ name: 'bin/sh', content: 'shell', mode: 0o755 }]));
    const id = await store.import(Readable.from([archive]), { reference: 'mine', config: { Cmd: ['/bin/sh'] } });
    const { layers, config } = await store.rootfs('mine', 'c');
    expect([config.cmd, layers.length]).toEqual([['/bin/sh'], 1]);
    expect(readFileSync(join(layers[0] ?? '', 'bin/sh'), 'utf8')).toBe('shell');
    expect((await store.status(id))?.tags).toEqual(['docker.io/library/mine:latest']);
  });

  test.each([
    ['nothing', [], 'neither manifest.json nor an OCI layout'],
    [
      'a manifest that names what is not there',
      [{ name: 'manifest.json', content: '[{"Config":"../../etc/passwd","Layers":[]}]' }],
      'the archive has no',
    ],
    ['a link to what is outside', [{ name: 'manifest.json', type: 'symlink', linkname: '/etc/passwd' }], 'neither'],
    ['a manifest that is none', [{ name: 'manifest.json', content: 'x' }], 'no JSON'],
  ] as const)('%s is refused, and leaves nothing', async (_, entries, message) => {
    const store = await lab.open();
    const loading = store.load(Readable.from([await makeTar(entries)]));
    await expect(loading).rejects.toMatchObject({ code: 'pull-failed', message: expect.stringContaining(message) });
    expect(lab.files('tmp')).toEqual([]);
  });

  test('an archive that cannot be read is an error', async () => {
    const store = await lab.open();
    const missing = createReadStream(join(lab.home, 'missing.tar'));
    await expect(store.load(missing)).rejects.toMatchObject({ message: expect.stringContaining('ENOENT') });
    expect(lab.files('tmp')).toEqual([]);
  });

  test('a layer that is not what it is called is refused', async () => {
    const store = await lab.open();
    const image = imageOf([await makeTar([{ name: 'a' }])]);
    const archive = await makeTar([
      { name: 'config.json', content: image.config },
      { name: 'layer.tar', content: await makeTar([{ name: 'evil' }]) },
      {
        name: 'manifest.json',
        content: JSON.stringify([{ Config: 'config.json', RepoTags: ['x:1'], Layers: ['layer.tar'] }]),
      },
    ]);
    await expect(store.load(Readable.from([archive]))).rejects.toThrow('wrong diff id');
    expect(await store.status('x:1')).toBeUndefined();
    expect(lab.files('tmp')).toEqual([]);
  });
});

describeWith(['root'], 'images of this machine', () => {
  const lab = new StoreLab();
  afterAll(() => lab.remove());

  test('are made once, and kept', async () => {
    const store = await lab.open();
    const said: string[] = [];
    const pause = await ensureStoredLocalImages(store, (activity) => said.push(activity));
    expect(await ensureStoredLocalImages(store, (activity) => said.push(activity))).toBe(pause);
    expect(said).toHaveLength(1);
    const { layers, config } = await store.rootfs(pause, 'sandbox');
    expect(config.entrypoint).toEqual(['/pause']);
    expect(statSync(join(layers[0] ?? '', 'pause')).mode & 0o777).toBe(0o755);
    const node = await store.rootfs('nestor.local/node:latest', 'c');
    const version = execFileSync('chroot', [lab.mount(node.layers), '/usr/local/bin/node', '--version']).toString();
    expect(version.trim()).toBe(process.version);
    await store.release('sandbox');
    await store.release('c');
    expect((await store.prune(true)).images).toEqual([]);
  });
});

describeWith(['docker', 'registry', 'root'], 'images of Docker', () => {
  const lab = new StoreLab();
  const names: string[] = [];
  let registry: RegistryProcess;

  beforeAll(async () => {
    registry = await RegistryProcess.start(false);
  });

  afterAll(async () => {
    if (names.length > 0) execFileSync('docker', ['image', 'rm', ...names], { stdio: 'ignore' });
    await registry.stop();
    await lab.remove();
  });

  test('what Docker builds and pushes is pulled alike, and what it saves is the same image', async () => {
    const name = `${registry.host}/built:1`;
    // Two layers, with files that are removed and directories that are replaced.
    const context = await makeTar([
      { name: 'Dockerfile', content: 'FROM scratch\nADD one.tar /\nADD two.tar /\nCMD ["/x"]\n' },
      { name: 'one.tar', content: await makeTar(base) },
      {
        name: 'two.tar',
        content: await makeTar([
          { name: 'etc/kept', content: 'changed' },
          { name: 'x', mode: 0o4755 },
        ]),
      },
    ]);
    execFileSync('docker', ['build', '--quiet', '--tag', name, '-'], {
      input: context,
      env: { ...process.env, DOCKER_BUILDKIT: '0' },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    names.push(name);
    execFileSync('docker', ['push', '--quiet', name], { stdio: 'ignore' });
    const id = execFileSync('docker', ['image', 'inspect', '--format', '{{.Id}}', name]).toString().trim();
    const store = await lab.open();
    expect(await store.pull(name)).toBe(id);
    const { layers } = await store.rootfs(id, 'c');
    const mounted = lab.mount(layers);
    expect(readFileSync(join(mounted, 'etc/kept'), 'utf8')).toBe('changed');
    expect(statSync(join(mounted, 'x')).mode & 0o7777).toBe(0o4755);
    const saved = execFileSync('docker', ['save', name], { maxBuffer: 2 ** 26 });
    expect(await store.load(Readable.from([saved]))).toEqual([id]);
    expect(await store.list()).toHaveLength(1);
  });
});
