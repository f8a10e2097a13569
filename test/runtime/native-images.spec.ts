import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#machinery';
import { withHostMutex } from '#process';
import { createNativeRuntime, defaultGarbagePolicy, ImageStore, type NativeRuntime, purgeNative } from '#runtime';
import { silentLogger } from '#telemetry';
import { describeWith } from '../tools/requirements';
import { FakeRegistry } from './images/fake-registry';
import { type LayerEntry, makeImage } from './images/made-image';
import { Pods } from './pods.contract';

const mib = 2 ** 20;

describeWith(['root', 'ip', 'nft'], 'images of containers without an engine', () => {
  const home = mkdtempSync(join(tmpdir(), 'nestor-native-images-'));
  const cluster = `native-${process.pid}-images`;
  const subnet = `10.194.${16 + (process.pid % 200)}`;
  const busybox: LayerEntry = { name: 'bin/busybox', mode: 0o755, content: readFileSync('/bin/busybox') };
  let availableBytes = 100 * mib;
  let ahead = 0;
  let registry: FakeRegistry;
  let runtime: NativeRuntime;
  let pods: Pods;

  const open = (): NativeRuntime =>
    createNativeRuntime({
      cluster,
      clusterCidr: `${subnet}.0/24`,
      gateway: `${subnet}.1`,
      directory: join(home, 'native', 'n1'),
      images: {
        directory: join(home, 'images'),
        mutex: withHostMutex,
        isDurable: false,
        disk: async () => ({ capacityBytes: 100 * mib, availableBytes }),
      },
      node: 'n1',
      clock: { ...systemClock, now: () => systemClock.now() + ahead },
      random: Math.random,
      logger: silentLogger(),
    });
  const tags = async (): Promise<string[]> =>
    (await runtime.listImages()).flatMap((image) => image.tags.map((tag) => tag.replace(/^.*[/]/, ''))).sort();

  beforeAll(async () => {
    registry = await FakeRegistry.start();
    runtime = open();
    let last = 1;
    pods = new Pods(runtime, 'none', () => `${subnet}.${++last}`, open);
    await runtime.ensureLocalImages();
  }, 60_000);
  afterAll(async () => {
    await runtime.close();
    await registry.stop();
    await purgeNative({ directory: join(home, 'native'), cluster, clock: systemClock });
    rmSync(home, { recursive: true });
  });

  test('an image of 127 layers runs, and the highest layer of a name shows', async () => {
    const more = Array.from({ length: 126 }, (_, index): LayerEntry[] => [
      { name: `layers/${index}` },
      { name: 'last', content: `layer ${index}` },
    ]);
    registry.put('many', 'v1', await makeImage([[busybox], ...more]));
    const image = `${registry.host}/many:v1`;
    await runtime.pullImage(image);
    const { id } = await pods.run(
      ['/bin/busybox', 'sh', '-c', '/bin/busybox ls /layers | /bin/busybox wc -l; /bin/busybox cat /last'],
      { image },
    );
    await runtime.startContainer(id);
    expect(await pods.outputOf(id)).toBe('126\nlayer 125');
  }, 60_000);

  test('one that does not fit on the disk leaves nothing there, and can be pulled when there is room', async () => {
    const disk = join(home, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'small', disk]);
    const directory = join(disk, 'images');
    const common = { clock: systemClock, random: Math.random, logger: silentLogger(), mutex: withHostMutex };
    const store = await ImageStore.open({ directory, isDurable: false, ...common });
    try {
      registry.put('big', 'v1', await makeImage([[{ name: 'big', content: randomBytes(3 * mib) }]]));
      const big = `${registry.host}/big:v1`;
      await expect(store.pull(big)).rejects.toMatchObject({
        code: 'pull-failed',
        message: expect.stringMatching(/no space left on device/i) as string,
      });
      const left = ['layers', 'tmp'].flatMap((folder) => readdirSync(join(directory, folder)));
      expect([await store.list(), left]).toEqual([[], []]);
      execFileSync('mount', ['-o', 'remount,size=30m', disk]);
      await store.pull(big);
      expect(await store.list()).toHaveLength(1);
    } finally {
      await store.close();
      execFileSync('umount', ['-l', disk]);
    }
  });

  test('where the disk is full, those go that nobody uses, the least recently used first, until there is room', async () => {
    for (const tag of ['old', 'used', 'new']) {
      registry.put('app', tag, await makeImage([[busybox], [{ name: tag, content: randomBytes(6 * mib) }]]));
      await runtime.pullImage(`${registry.host}/app:${tag}`);
      ahead += 1000;
    }
    const image = `${registry.host}/app:used`;
    const { id, sandbox } = await pods.run(['/bin/busybox', 'sleep', '3600'], { image });
    await runtime.startContainer(id);
    ahead += 3_600_000;
    const before = await tags();
    availableBytes = 16 * mib;
    expect(await runtime.collectImages(defaultGarbagePolicy)).toMatchObject({ wantedBytes: 0, images: [] });

    // 9 MiB have to go: what the old image alone has, packed and not.
    availableBytes = 11 * mib;
    const { wantedBytes, freedBytes, images } = (await runtime.collectImages(defaultGarbagePolicy)) ?? {};
    expect([wantedBytes, images?.length]).toEqual([9 * mib, 1]);
    expect(freedBytes).toBeGreaterThan(9 * mib);
    expect(await tags()).toEqual(before.filter((tag) => tag !== 'app:old'));

    availableBytes = 0;
    expect((await runtime.collectImages(defaultGarbagePolicy))?.freedBytes).toBeLessThan(20 * mib);
    // Its container runs on, and images that were made here stay as well.
    expect(await tags()).toEqual(before.filter((tag) => !['app:old', 'app:new'].includes(tag)));
    expect(await runtime.containerStatus(id)).toMatchObject({ state: 'running' });

    await runtime.removeSandbox(sandbox.id);
    ahead += 3_600_000;
    await runtime.collectImages(defaultGarbagePolicy);
    expect(await tags()).not.toContain('app:used');
  }, 60_000);
});
