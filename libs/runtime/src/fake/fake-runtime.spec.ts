import { systemClock } from '#machinery';
import { FakeClock } from '#testing';
import { type RuntimeEvent } from '../container-runtime';
import {
  Collector,
  containerOf,
  describeContainerRuntime,
  sandboxOf,
} from '../../../../test/runtime/container-runtime.contract';
import { createFakeRuntime } from './fake-runtime';

const image = 'nestor.local/node';

describe('the fake runtime keeps the contract', () => {
  let last = 1;
  describeContainerRuntime(async () => {
    const runtime = createFakeRuntime({ clock: systemClock, random: Math.random });
    return { runtime, image, nextIp: () => `10.0.0.${++last}`, cleanUp: () => runtime.close() };
  });
});

describe('simulated behaviour', () => {
  const clock = new FakeClock();
  const runtime = createFakeRuntime({ clock, random: () => 0.5 });
  afterAll(() => runtime.close());

  async function run(annotations: Record<string, string>, command: string[] = []) {
    const config = sandboxOf({ annotations });
    const sandbox = await runtime.runSandbox(config);
    const id = await runtime.createContainer(sandbox.id, config, containerOf(image, command));
    return { sandbox, id, start: () => runtime.startContainer(id), status: () => runtime.containerStatus(id) };
  }

  test('without annotations a container runs for ever, and no timer waits', async () => {
    const pod = await run({});
    await pod.start();
    await clock.advance(86_400_000);
    expect((await pod.status()).state).toBe('running');
    expect(clock.pending).toBe(0);
  });

  test('it exits with the code and after the time that it is told', async () => {
    const pod = await run({ 'nestor.dev/fake-exit-code': '4', 'nestor.dev/fake-exit-after': '1m' });
    await pod.start();
    await clock.advance(59_999);
    expect((await pod.status()).state).toBe('running');
    await clock.advance(1);
    expect(await pod.status()).toMatchObject({
      state: 'exited',
      exitCode: 4,
      reason: 'Error',
      finishedAt: clock.now(),
    });
  });

  test('an annotation with the name of another container does not hold', async () => {
    const pod = await run({ 'nestor.dev/fake-exit-code.other': '4' });
    await pod.start();
    expect((await pod.status()).state).toBe('running');
    const own = await run({ 'nestor.dev/fake-exit-code.main': '4' });
    await own.start();
    await clock.advance(0);
    expect(await own.status()).toMatchObject({ exitCode: 4 });
  });

  test('running out of memory is 137 and an event of its own', async () => {
    const events: RuntimeEvent[] = [];
    const stop = runtime.watch((event) => events.push(event));
    const pod = await run({ 'nestor.dev/fake-exit-reason': 'OOMKilled' });
    await pod.start();
    await clock.advance(0);
    stop();
    expect(await pod.status()).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
    expect(events.map(({ type }) => type)).toEqual(['started', 'created', 'started', 'oom', 'exited']);
  });

  test('a start that fails leaves an exited container that says why', async () => {
    const pod = await run({ 'nestor.dev/fake-start-error': 'exec: "x": not found' });
    await expect(pod.start()).rejects.toMatchObject({ code: 'start-failed', message: 'exec: "x": not found' });
    expect(await pod.status()).toMatchObject({ state: 'exited', exitCode: 127, reason: 'ContainerCannotRun' });
  });

  test('it takes its time to start, and nobody has to wait for it', async () => {
    const pod = await run({ 'nestor.dev/fake-start-delay': '1h' });
    const patience = new AbortController();
    const started = expect(runtime.startContainer(pod.id, patience.signal)).rejects.toThrow('gone');
    await clock.advance(1_000);
    patience.abort(new Error('gone'));
    await started;
    expect(await pod.status()).toMatchObject({ state: 'created' });
    const again = pod.start();
    await clock.advance(3_600_000);
    await again;
    expect(await pod.status()).toMatchObject({ state: 'running' });
  });

  test.each([
    ['shorter than the grace period', '2s', 5, 143, 2000],
    ['longer than the grace period', '1h', 5, 137, 5000],
  ])('it takes its time to end, %s', async (_name, needed, grace, exitCode, elapsed) => {
    const pod = await run({ 'nestor.dev/fake-termination-delay': needed });
    await pod.start();
    const before = clock.monotonic();
    const stopped = runtime.stopContainer(pod.id, grace).then(() => clock.monotonic() - before);
    await clock.advance(10_000);
    expect(await stopped).toBe(elapsed);
    expect(await pod.status()).toMatchObject({ exitCode });
  });

  test.each<[string, string[], number | undefined, number | undefined]>([
    ['true', ['true'], 0, 0],
    ['a failing script', ['sh', '-c', 'echo a; exit 3; sleep 9'], 0, 3],
    ['a sleep', ['/bin/sleep', '2'], 2000, 0],
    ['a script that sleeps', ['sh', '-c', 'sleep 1 && sleep 2\nexit 1'], 3000, 1],
    ['a server', ['node', 'server.js'], undefined, undefined],
    ['a script with a server at the end', ['sh', '-c', 'echo a; node server.js'], undefined, undefined],
  ])('understands %s', async (_name, command, after, exitCode) => {
    const pod = await run({}, command);
    await pod.start();
    await clock.advance(Math.max(0, (after ?? 1) - 1));
    if (after !== 0) expect((await pod.status()).state).toBe('running');
    await clock.advance(1);
    expect((await pod.status()).exitCode).toBe(exitCode);
    expect(clock.pending).toBe(0);
  });

  test('output is a log', async () => {
    const pod = await run({ 'nestor.dev/fake-output': 'a\nb' });
    await pod.start();
    const out = new Collector();
    await runtime.logs(pod.id, { follow: false, timestamps: false, tailLines: 1 }, out, out);
    expect(out.text).toBe('b\n');
  });

  test('an engine that is away rejects everything, and watchers relist when it is back', async () => {
    const resync = jest.fn();
    const stop = runtime.watch(() => undefined, resync);
    runtime.setAvailable(false);
    await expect(runtime.listContainers()).rejects.toMatchObject({ code: 'unavailable' });
    expect(resync).not.toHaveBeenCalled();
    runtime.setAvailable(true);
    expect(resync).toHaveBeenCalledTimes(1);
    expect((await runtime.listContainers()).length).toBeGreaterThan(0);
    stop();
  });

  test('a thousand pods are cheap', async () => {
    const started = performance.now();
    const pods = await Promise.all(Array.from({ length: 1000 }, () => run({})));
    await Promise.all(pods.map(({ start }) => start()));
    // Some 10 ms; the limit is wide because the machine may be busy.
    expect(performance.now() - started).toBeLessThan(1000);
    expect(clock.pending).toBe(0);
  });
});
