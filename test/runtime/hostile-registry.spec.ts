import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { type ImageStore } from '#runtime';
import { eventually } from '../tools/eventually';
import { makeCertificates } from '../store/certificates';
import { FakeRegistry } from './images/fake-registry';
import { digestOf, makeImage, type MadeImage } from './images/made-image';
import { StoreLab } from './images/store-lab';

/** Large enough that it comes in many pieces. */
const size = 2 ** 20;
let lab: StoreLab;
let registry: FakeRegistry;
let store: ImageStore;
let image: MadeImage;
let layer: Buffer;
let name: string;

beforeEach(async () => {
  lab = new StoreLab();
  registry = await FakeRegistry.start();
  store = await lab.open();
  image = await makeImage([[{ name: 'random', content: randomBytes(size) }]]);
  layer = image.layers[0] ?? Buffer.alloc(0);
  name = `${registry.host}/app:v1`;
  registry.put('app', 'v1', image);
});

afterEach(async () => {
  await lab.remove();
  await registry.stop();
});

const isLayer = (content: Buffer | undefined): boolean =>
  content !== undefined && digestOf(content) === digestOf(layer);

describe('what passes', () => {
  test.each([
    ['a registry that has too much to do', 429, 3000],
    ['a registry that is starting', 503, 2000],
  ])('%s gets the time that it asks for', async (_, status, wait) => {
    let refusals = 2;
    registry.twist = (_request, response) => {
      if (refusals-- <= 0) return false;
      response.writeHead(status, { 'retry-after': `${wait / 1000}` }).end();
      return true;
    };
    await store.pull(name);
    expect(lab.clock.waits).toHaveLength(2);
    for (const waited of lab.clock.waits) expect(waited).toBeGreaterThanOrEqual(wait);
  });

  test('a connection that is cut is gone on with where it ended', async () => {
    let cuts = 6;
    registry.twist = (request, response, content = Buffer.alloc(0)) => {
      if (!isLayer(content) || cuts-- <= 0) return false;
      const [, start = '0'] = /bytes=(\d+)-/.exec(request.headers.range ?? '') ?? [];
      const offset = Number(start);
      response.writeHead(offset === 0 ? 200 : 206, {
        'content-length': content.length - offset,
        ...(offset === 0 ? {} : { 'content-range': `bytes ${offset}-${content.length - 1}/${content.length}` }),
      });
      response.write(content.subarray(offset, offset + 100_000), () => response.destroy());
      return true;
    };
    await store.pull(name);
    // More cuts than there are attempts: each got further than the one before.
    const ranges = registry.requestsFor(layer).map(({ range }) => Number(/\d+/.exec(range ?? '0')?.[0]));
    expect(ranges).toHaveLength(7);
    expect([...ranges].sort((a, b) => a - b)).toEqual(ranges);
    expect(ranges.at(-1)).toBeGreaterThan(300_000);
  });

  test('a registry that gives no parts is asked for the whole', async () => {
    let isCut = false;
    registry.twist = (_request, response, content = Buffer.alloc(0)) => {
      if (!isLayer(content)) return false;
      response.writeHead(200, { 'content-length': content.length });
      if (isCut) response.end(content);
      else response.write(content.subarray(0, 100_000), () => response.destroy());
      isCut = true;
      return true;
    };
    await store.pull(name);
    expect(registry.requestsFor(layer)).toHaveLength(2);
  });

  test('what an earlier pull got is used by the next, also of another process', async () => {
    registry.twist = (_request, response, content = Buffer.alloc(0)) => {
      if (!isLayer(content)) return false;
      if (registry.requestsFor(layer).length > 1) response.destroy();
      else {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 500_000), () => response.destroy());
      }
      return true;
    };
    await expect(store.pull(name)).rejects.toMatchObject({ code: 'pull-failed' });
    registry.twist = () => false;
    const before = registry.requestsFor(layer).length;
    await (await lab.open()).pull(name);
    const [request] = registry.requestsFor(layer).slice(before);
    expect(Number(/\d+/.exec(request?.range ?? '')?.[0])).toBeGreaterThan(0);
  });
});

describe('what does not', () => {
  test('a registry that is away is RegistryUnavailable, after some attempts', async () => {
    registry.twist = (_request, response) => {
      response.writeHead(503).end();
      return true;
    };
    await expect(store.pull(name)).rejects.toMatchObject({ code: 'registry-unavailable' });
    expect(registry.asked).toHaveLength(5);
  });

  test('a registry that says nothing is given up after a minute', async () => {
    registry.twist = () => true;
    const pull = store.pull(name).catch((error: unknown) => error);
    await eventually(() => expect(registry.asked).toHaveLength(1));
    lab.clock.stall();
    expect(await pull).toMatchObject({
      code: 'pull-failed',
      message: `pull of ${name} has not made progress for a minute`,
    });
  });

  test('a layer that stops in its middle is given up as well', async () => {
    registry.twist = (_request, response, content = Buffer.alloc(0)) => {
      if (!isLayer(content)) return false;
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 100_000));
      return true;
    };
    let bytes = 0;
    const pull = store.pull(name, undefined, ({ current }) => (bytes = current)).catch((error: unknown) => error);
    await eventually(() => expect(bytes).toBe(100_000));
    lab.clock.stall();
    expect(await pull).toMatchObject({
      code: 'pull-failed',
      message: expect.stringContaining('has not made progress'),
    });
  });

  test('who gives up waits no longer', async () => {
    registry.twist = () => true;
    const abort = new AbortController();
    const pull = store.pull(name, undefined, undefined, abort.signal).catch((error: unknown) => error);
    await eventually(() => expect(registry.asked).toHaveLength(1));
    abort.abort(new Error('enough'));
    expect(await pull).toMatchObject({ message: expect.stringContaining('enough') });
  });

  test.each<[string, (content: Buffer) => Buffer, string]>([
    ['has other bytes', (content) => Buffer.from(content).fill(0, 100, 200), 'unexpected commit digest'],
    ['is longer', (content) => Buffer.concat([content, Buffer.from('x')]), 'is larger than'],
  ])('a layer that %s is refused, and not kept', async (_, change, message) => {
    registry.twist = (_request, response, content) => {
      if (content === undefined || !isLayer(content)) return false;
      response.end(change(content));
      return true;
    };
    await expect(store.pull(name)).rejects.toMatchObject({
      code: 'pull-failed',
      message: expect.stringContaining(message),
    });
    expect([lab.files('partial'), lab.files('layers'), lab.files('tmp')]).toEqual([[], [], []]);
    expect(await store.list()).toEqual([]);
  });

  test('a manifest that is not the one asked for is refused', async () => {
    registry.twist = (request, response) => {
      if (request.url?.includes('/manifests/') !== true) return false;
      response.end(JSON.stringify({ schemaVersion: 2 }));
      return true;
    };
    const pull = store.pull(`${registry.host}/app@${digestOf(image.manifest)}`);
    await expect(pull).rejects.toMatchObject({
      code: 'pull-failed',
      message: expect.stringContaining('not what it should be'),
    });
  });

  test('a manifest without end is not read to its end', async () => {
    registry.twist = (_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, ' ')));
      };
      response.on('drain', more).writeHead(200);
      more();
      return true;
    };
    await expect(store.pull(name)).rejects.toMatchObject({
      code: 'pull-failed',
      message: expect.stringContaining('larger than'),
    });
  });

  test('redirects that lead nowhere end', async () => {
    registry.twist = (request, response) => {
      response.writeHead(307, { location: request.url }).end();
      return true;
    };
    await expect(store.pull(name)).rejects.toMatchObject({
      message: expect.stringContaining('stopped after 10 redirects'),
    });
    expect(registry.asked).toHaveLength(11);
  });
});

describe('credentials', () => {
  const credentials = { username: 'alice', password: 'secret' };
  const basic = `Basic ${Buffer.from('alice:secret').toString('base64')}`;

  /** distribution's token authentication, the token server being the registry itself. */
  function demandTokens(lifetime: number): void {
    let issued = 0;
    registry.twist = (request, response) => {
      if (request.url?.startsWith('/token') === true) {
        if (request.headers.authorization === basic)
          response.end(JSON.stringify({ token: `t${++issued}`, expires_in: lifetime }));
        else response.writeHead(401).end();
        return true;
      }
      if (request.headers.authorization === `Bearer t${issued}`) return false;
      const challenge = `Bearer realm="http://${registry.host}/token",service="test",scope="repository:app:pull"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
      return true;
    };
  }

  test('are changed for a token, once', async () => {
    demandTokens(300);
    await store.pull(name, credentials);
    expect(registry.asked.filter(({ path }) => path === '/token')).toHaveLength(1);
  });

  test('that are wrong are told', async () => {
    demandTokens(300);
    await expect(store.pull(name, { ...credentials, password: 'x' })).rejects.toMatchObject({
      code: 'image-unauthorized',
    });
    await expect(store.pull(name)).rejects.toMatchObject({ code: 'image-unauthorized' });
  });

  test('are asked for anew when a token is refused', async () => {
    demandTokens(300);
    await store.pull(name, credentials);
    demandTokens(300);
    registry.put('app', 'v2', await makeImage([[{ name: 'other' }]]));
    await store.pull(`${registry.host}/app:v2`, credentials);
    expect(registry.asked.filter(({ path }) => path === '/token')).toHaveLength(2);
  });

  test('are not told to whom the registry sends', async () => {
    const other = await FakeRegistry.start();
    other.put('app', 'v1', image);
    registry.twist = (request, response) => {
      if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
      else if (request.url?.includes('/blobs/') !== true) return false;
      else response.writeHead(307, { location: `http://${other.host}${request.url}` }).end();
      return true;
    };
    await store.pull(name, credentials);
    expect(other.asked.length).toBeGreaterThan(0);
    expect(other.asked.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
    await other.stop();
  });
});

describe('one download', () => {
  test('serves all who want the same layer at the same time', async () => {
    const others = ['v2', 'v3'];
    for (const tag of others) {
      const config = Buffer.from(JSON.stringify({ ...(JSON.parse(image.config.toString()) as object), tag }));
      const manifest = JSON.parse(image.manifest.toString()) as { config: object };
      const described = { ...manifest.config, digest: digestOf(config), size: config.length };
      registry.put('app', tag, {
        ...image,
        config,
        manifest: Buffer.from(JSON.stringify({ ...manifest, config: described })),
      });
    }
    const ids = await Promise.all(['v1', 'v1', ...others].map((tag) => store.pull(`${registry.host}/app:${tag}`)));
    expect(new Set(ids).size).toBe(3);
    expect(registry.requestsFor(layer)).toHaveLength(1);
    expect(lab.files('layers')).toHaveLength(1);
  });

  test('is enough: what is here is not fetched again', async () => {
    await store.pull(name);
    const { length } = registry.asked;
    await store.pull(name);
    expect(registry.asked.slice(length).map(({ path }) => path)).toEqual(['/v2/app/manifests/v1']);
  });
});

describe('ways to a registry', () => {
  test('a mirror is asked first, and what it has not, the registry has', async () => {
    const mirror = await FakeRegistry.start();
    const mirrored = await lab.open({ registries: { [registry.host]: { mirrors: [`http://${mirror.host}`] } } });
    await mirrored.pull(name, { username: 'alice', password: 'secret' });
    expect(mirror.asked.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
    expect(mirror.asked[0]?.path).toBe('/v2/app/manifests/v1');
    expect(registry.requestsFor(layer)).toHaveLength(1);
    await mirror.stop();
  });

  test('a certificate has to be trusted, by an authority or because it is told so', async () => {
    const { authority, server } = await makeCertificates();
    const secure = await FakeRegistry.start(server);
    secure.put('app', 'v1', image);
    const image1 = `${secure.host}/app:v1`;
    const with1 = (config: object) => lab.open({ registries: { [secure.host]: { plainHttp: false, ...config } } });
    await expect((await with1({})).pull(image1)).rejects.toMatchObject({
      code: 'pull-failed',
      message: expect.stringContaining('certificate'),
    });
    await (await with1({ ca: authority.certificatePem })).pull(image1);
    await (await with1({ skipTlsVerify: true })).pull(image1);
    await secure.stop();
  });
});

describe('what is here', () => {
  test('belongs to its owner alone', async () => {
    await store.pull(name);
    for (const folder of ['.', 'blobs', 'blobs/sha256', 'layers', 'partial', 'tmp']) {
      expect([folder, statSync(join(lab.directory, folder)).mode & 0o777]).toEqual([folder, 0o700]);
    }
    const [home = ''] = lab.files('layers');
    const files = [
      'images.json',
      `layers/${home}/layer.json`,
      ...lab.files('blobs/sha256').map((hex) => `blobs/sha256/${hex}`),
    ];
    for (const file of files) expect([file, statSync(join(lab.directory, file)).mode & 0o777]).toEqual([file, 0o600]);
  });

  test('is removed with its last name, and what others need stays', async () => {
    registry.put('app', 'v2', await makeImage([[{ name: 'other' }]]));
    const id = await store.pull(name);
    await store.pull(`${registry.host}/app:v2`);
    const removed = await store.remove(name);
    expect(removed.images).toEqual([id]);
    expect(removed.freedBytes).toBeGreaterThan(2 * size);
    expect(lab.files('layers')).toHaveLength(1);
    expect(await store.remove(name)).toEqual({ images: [], freedBytes: 0 });
  });

  test('stays while a container uses it', async () => {
    await store.pull(name);
    const { layers } = await store.rootfs(name, 'c1');
    await expect(store.remove(name)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('in use by container c1'),
    });
    expect((await store.prune(true)).images).toEqual([]);
    expect(readdirSync(layers[0] ?? '')).toEqual(['random']);
    await store.release('c1');
    expect((await store.prune(true)).images).toHaveLength(1);
    expect([lab.files('layers'), lab.files('blobs/sha256')]).toEqual([[], []]);
  });

  test('goes when the disk is full: the least recently used first, until there is room', async () => {
    for (const tag of ['old', 'used', 'pinned', 'new']) {
      registry.put('app', tag, await makeImage([[{ name: tag, content: randomBytes(size) }]]));
      lab.clock.ahead += 1000;
      await store.pull(`${registry.host}/app:${tag}`);
    }
    await store.rootfs(`${registry.host}/app:used`, 'c1');
    await store.pin(`${registry.host}/app:pinned`);
    lab.clock.ahead += 3_600_000;
    const { capacityBytes, availableBytes } = await store.usage();
    // A threshold just below what is in use, so that very little has to go.
    const used = 100 - Math.floor((availableBytes * 100) / capacityBytes);
    const policy = { highThresholdPercent: used, lowThresholdPercent: used, minimumAgeMs: 0 };
    expect(await store.collectGarbage({ ...policy, highThresholdPercent: 101 })).toMatchObject({
      images: [],
      wantedBytes: 0,
    });
    const impossible = { ...policy, highThresholdPercent: 0, lowThresholdPercent: 0 };
    const { wantedBytes, freedBytes, images } = await store.collectGarbage(impossible);
    expect(wantedBytes).toBeGreaterThan(freedBytes);
    expect([images.length, freedBytes]).toEqual([2, expect.any(Number)]);
    expect(freedBytes).toBeGreaterThan(2 * size);
    const left = (await store.list()).flatMap(({ tags }) => tags.map((tag) => tag.replace(/.*:/, ''))).sort();
    expect(left).toEqual(['pinned', 'used']);
  });

  test('is fetched again when it was damaged here', async () => {
    await store.pull(name);
    await store.remove(name);
    const file = join(lab.directory, 'blobs', digestOf(layer).replace(':', '/'));
    writeFileSync(file, Buffer.from(layer).fill(0, 1000, 2000), { mode: 0o600 });
    // As a disk may do it.
    await expect(store.pull(name)).rejects.toMatchObject({ code: 'pull-failed' });
    await store.pull(name);
    expect(digestOf(readFileSync(file))).toBe(digestOf(layer));
  });

  test('survives a crash: what was half is gone, what can be gone on with stays for a day', async () => {
    const gone = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const start = readFileSync(`/proc/${gone.pid}/stat`, 'utf8').split(' ').at(21);
    const owner = `${gone.pid}-${start}`;
    mkdirSync(join(lab.directory, `tmp/layer-x.${owner}`, 'fs'), { recursive: true });
    writeFileSync(join(lab.directory, `partial/sha256-${'a'.repeat(64)}.${owner}`), 'half');
    await lab.open();
    // It still runs: what is its own is left alone.
    expect([lab.files('tmp'), lab.files('partial')]).toEqual([
      [`layer-x.${owner}`],
      [`sha256-${'a'.repeat(64)}.${owner}`],
    ]);
    gone.kill('SIGKILL');
    await once(gone, 'exit');
    await lab.open();
    expect([lab.files('tmp'), lab.files('partial')]).toEqual([[], [`sha256-${'a'.repeat(64)}`]]);
    lab.clock.ahead += 25 * 3_600_000;
    await lab.open();
    expect(lab.files('partial')).toEqual([]);
  });
});
