import { randomUUID } from 'node:crypto';
import { PassThrough, Writable } from 'node:stream';
import {
  type ContainerConfig,
  type ContainerRuntime,
  type ContainerStatus,
  type LogOptions,
  type RuntimeEvent,
  type SandboxConfig,
} from '#runtime';

export interface RuntimeUnderTest {
  readonly runtime: ContainerRuntime;
  /** Present, with `sh`, `echo`, `cat` and `sleep`. */
  readonly image: string;
  /** A free pod address. */
  nextIp(): string;
  /** Removes whatever the tests left behind. */
  cleanUp(): Promise<void>;
}

/** Collects what is written. */
export class Collector extends Writable {
  private readonly chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk);
    done();
    this.emit('grown');
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}

const allLogs: LogOptions = { follow: false, timestamps: false };

export function sandboxOf(overrides: Partial<SandboxConfig> = {}): SandboxConfig {
  const uid = randomUUID();
  return {
    pod: { namespace: 'default', name: `pod-${uid.slice(0, 8)}`, uid, attempt: 0 },
    hostname: 'pod',
    labels: { app: 'contract' },
    annotations: { 'example.com/note': 'a, "b" = c' },
    hostNetwork: false,
    hostPid: false,
    hostIpc: false,
    shareProcessNamespace: false,
    portMappings: [],
    sysctls: {},
    ...overrides,
  };
}

export function containerOf(
  image: string,
  command: readonly string[],
  overrides: Partial<ContainerConfig> = {},
): ContainerConfig {
  return {
    name: 'main',
    attempt: 0,
    image,
    command,
    env: [],
    mounts: [],
    devices: [],
    labels: {},
    annotations: {},
    resources: {},
    security: {
      privileged: false,
      supplementalGroups: [],
      capabilitiesAdd: [],
      capabilitiesDrop: [],
      readOnlyRootFilesystem: false,
      noNewPrivileges: false,
      unmaskedProc: false,
    },
    stdin: false,
    stdinOnce: false,
    tty: false,
    ...overrides,
  };
}

/**
 * What every runtime promises. `start` is called once.
 * @param hasKnownImages its images are those of a runtime that is tested already, with which it differs in other things
 */
export function describeContainerRuntime(
  start: () => Promise<RuntimeUnderTest>,
  { hasKnownImages = false }: { readonly hasKnownImages?: boolean } = {},
): void {
  let subject: RuntimeUnderTest;
  let runtime: ContainerRuntime;

  beforeAll(async () => {
    subject = await start();
    runtime = subject.runtime;
  });
  afterAll(() => subject?.cleanUp());

  async function runPod(command: readonly string[], overrides: Partial<ContainerConfig> = {}) {
    const config = sandboxOf({ ip: subject.nextIp() });
    const sandbox = await runtime.runSandbox(config);
    const id = await runtime.createContainer(sandbox.id, config, containerOf(subject.image, command, overrides));
    return { config, sandbox, id };
  }

  async function exited(id: string): Promise<ContainerStatus> {
    return until(runtime, async () => {
      const status = await runtime.containerStatus(id);
      return status.state === 'exited' ? status : undefined;
    });
  }

  function imageTests(): void {
    test('images are found by name and id', async () => {
      const status = await runtime.imageStatus(subject.image);
      expect(status?.tags.length).toBeGreaterThan(0);
      expect((await runtime.imageStatus(status?.id ?? ''))?.id).toBe(status?.id);
      expect(await runtime.listImages()).toContainEqual(expect.objectContaining({ id: status?.id }));
      expect(await runtime.imageStatus('example.test/absent:1')).toBeUndefined();
      await runtime.removeImage('example.test/absent:1');
    });

    test('what is wrong with an image is told by a code', async () => {
      await expect(runtime.pullImage('Not A Name')).rejects.toMatchObject({ code: 'invalid-image-name' });
      await expect(runtime.pullImage('registry.invalid/some/image:1')).rejects.toMatchObject({
        code: 'pull-failed',
      });
      const config = sandboxOf({ ip: subject.nextIp() });
      const sandbox = await runtime.runSandbox(config);
      await expect(
        runtime.createContainer(sandbox.id, config, containerOf('example.test/absent:1', ['true'])),
      ).rejects.toMatchObject({ code: 'image-not-found' });
      await runtime.removeSandbox(sandbox.id);
    });
  }

  test('a sandbox is listed with its identity, labels, annotations and address until it is removed', async () => {
    const config = sandboxOf({ ip: subject.nextIp() });
    const sandbox = await runtime.runSandbox(config);
    const expected = {
      id: sandbox.id,
      pod: config.pod,
      state: 'ready',
      ip: config.ip,
      labels: config.labels,
      annotations: config.annotations,
    };
    expect(sandbox).toMatchObject(expected);
    expect(await runtime.listSandboxes(config.pod.uid)).toMatchObject([expected]);
    expect(await runtime.listSandboxes()).toContainEqual(expect.objectContaining({ id: sandbox.id }));
    expect(await runtime.listSandboxes(randomUUID())).toEqual([]);

    await runtime.stopSandbox(sandbox.id);
    expect(await runtime.listSandboxes(config.pod.uid)).toMatchObject([{ id: sandbox.id, state: 'not-ready' }]);
    await runtime.removeSandbox(sandbox.id);
    expect(await runtime.listSandboxes(config.pod.uid)).toEqual([]);
  });

  test('stop and remove of what is gone succeed', async () => {
    const { sandbox, id } = await runPod(['sleep', '60']);
    await runtime.removeSandbox(sandbox.id);
    await runtime.stopContainer(id, 1);
    await runtime.removeContainer(id);
    await runtime.stopSandbox(sandbox.id);
    await runtime.removeSandbox(sandbox.id);
  });

  test('a container goes from created to running to exited, and keeps its exit code', async () => {
    const { config, sandbox, id } = await runPod(['sh', '-c', 'sleep 0.05; exit 3'], {
      attempt: 2,
      labels: { 'example.com/kept': 'yes' },
      annotations: { 'io.kubernetes.container.hash': 'abc' },
    });
    expect(await runtime.containerStatus(id)).toMatchObject({
      id,
      sandboxId: sandbox.id,
      pod: config.pod,
      name: 'main',
      attempt: 2,
      state: 'created',
      image: subject.image,
      imageId: expect.stringMatching(/^(sha256:|.+@sha256:)/) as string,
      labels: { 'example.com/kept': 'yes' },
      annotations: { 'io.kubernetes.container.hash': 'abc' },
    });
    await runtime.startContainer(id);
    const status = await exited(id);
    expect(status).toMatchObject({ state: 'exited', exitCode: 3, reason: 'Error' });
    expect(status.finishedAt).toBeGreaterThanOrEqual(status.startedAt ?? Infinity);
    expect(status.startedAt).toBeGreaterThanOrEqual(status.createdAt);
    expect(await runtime.listContainers(config.pod.uid)).toEqual([status]);
    await runtime.removeSandbox(sandbox.id);
    expect(await runtime.listContainers(config.pod.uid)).toEqual([]);
    await expect(runtime.containerStatus(id)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('success is Completed', async () => {
    const { sandbox, id } = await runPod(['true']);
    await runtime.startContainer(id);
    expect(await exited(id)).toMatchObject({ exitCode: 0, reason: 'Completed' });
    await runtime.removeSandbox(sandbox.id);
  });

  test('stopping the sandbox ends its containers', async () => {
    const { sandbox, id } = await runPod(['sleep', '3600']);
    await runtime.startContainer(id);
    await runtime.stopSandbox(sandbox.id);
    expect(await runtime.containerStatus(id)).toMatchObject({ state: 'exited', exitCode: 137 });
    await runtime.removeSandbox(sandbox.id);
  });

  test('stopping a container resolves when it has exited', async () => {
    const { sandbox, id } = await runPod(['sleep', '3600']);
    await runtime.startContainer(id);
    await runtime.stopContainer(id, 0);
    expect((await runtime.containerStatus(id)).state).toBe('exited');
    await runtime.removeSandbox(sandbox.id);
  });

  test('a container created again after a crash of its creator takes the name over', async () => {
    const { config, sandbox, id } = await runPod(['sleep', '60']);
    const again = await runtime.createContainer(sandbox.id, config, containerOf(subject.image, ['sleep', '60']));
    expect(again).not.toBe(id);
    await runtime.startContainer(again);
    await expect(
      runtime.createContainer(sandbox.id, config, containerOf(subject.image, ['sleep', '60'])),
    ).rejects.toMatchObject({ code: 'already-exists' });
    await runtime.removeSandbox(sandbox.id);
  });

  test('logs can be read whole, by their tail, cut, with timestamps, and followed to the end', async () => {
    const { sandbox, id } = await runPod(['sh', '-c', 'echo one; echo two; sleep 0.3; echo three']);
    await runtime.startContainer(id);
    const read = async (options: Partial<LogOptions>): Promise<string> => {
      const out = new Collector();
      await runtime.logs(id, { ...allLogs, ...options }, out, out);
      return out.text;
    };
    const followed = await read({ follow: true });
    expect(followed.split('\n').filter(Boolean).sort()).toEqual(['one', 'three', 'two']);
    expect(await read({ tailLines: 1 })).toMatch(/^\w+\n$/);
    expect(await read({ tailLines: 0 })).toBe('');
    expect(await read({ limitBytes: 5 })).toHaveLength(5);
    expect(await read({ since: Date.now() + 60_000 })).toBe('');
    expect(await read({ stream: 'Stderr' })).toBe('');
    expect(await read({ timestamps: true, tailLines: 1 })).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z \w+\n$/);
    await runtime.removeSandbox(sandbox.id);
  });

  test('following ends when it is aborted', async () => {
    const { sandbox, id } = await runPod(['sh', '-c', 'echo ready; exec sleep 3600']);
    await runtime.startContainer(id);
    const out = new Collector();
    const abort = new AbortController();
    out.on('grown', () => abort.abort());
    await runtime.logs(id, { ...allLogs, follow: true }, out, out, abort.signal);
    expect(out.text).toBe('ready\n');
    await runtime.removeSandbox(sandbox.id);
  });

  test('commands run inside: output, exit codes, input, time limits', async () => {
    const { sandbox, id } = await runPod(['sleep', '3600']);
    await expect(runtime.execSync(id, ['true'], 5000)).rejects.toMatchObject({ code: 'invalid-argument' });
    await runtime.startContainer(id);
    const echoed = await runtime.execSync(id, ['echo', 'hello'], 5000);
    expect({ ...echoed, stdout: echoed.stdout.toString() }).toMatchObject({
      exitCode: 0,
      stdout: 'hello\n',
      timedOut: false,
    });
    expect(await runtime.execSync(id, ['sh', '-c', 'exit 7'], 5000)).toMatchObject({ exitCode: 7 });
    expect(await runtime.execSync(id, ['sleep', '60'], 100)).toMatchObject({ timedOut: true });

    const stdout = new Collector();
    const stdin = new PassThrough();
    stdin.end('through the pipe');
    expect(await runtime.exec(id, { command: ['cat'], tty: false, stdin, stdout, stderr: new Collector() })).toBe(0);
    expect(stdout.text).toBe('through the pipe');
    expect(
      await runtime.exec(id, {
        command: ['sh', '-c', 'exit 9'],
        tty: false,
        stdout: new Collector(),
        stderr: new Collector(),
      }),
    ).toBe(9);
    await runtime.removeSandbox(sandbox.id);
  });

  test('events say which pod to look at', async () => {
    const seen: RuntimeEvent[] = [];
    const stop = runtime.watch((event) => seen.push(event));
    try {
      const { config, sandbox, id } = await runPod(['sleep', '3600']);
      await runtime.startContainer(id);
      await runtime.stopContainer(id, 0);
      await runtime.removeContainer(id);
      await runtime.removeSandbox(sandbox.id);
      await until(runtime, async () =>
        seen.some(({ type, containerId }) => type === 'removed' && containerId === sandbox.id),
      );
      const types = seen.filter(({ containerId }) => containerId === id).map(({ type }) => type);
      expect(types).toEqual(['created', 'started', 'exited', 'removed']);
      expect(seen.filter(({ podUid }) => podUid === config.pod.uid).length).toBeGreaterThanOrEqual(types.length + 2);
    } finally {
      stop();
    }
  });

  test('running containers have statistics', async () => {
    const { config, sandbox, id } = await runPod(['sleep', '3600']);
    await runtime.startContainer(id);
    const found = (await runtime.stats()).find(({ containerId }) => containerId === id);
    expect(found).toMatchObject({ pod: config.pod, name: 'main' });
    expect(found?.cpuNanoseconds).toBeGreaterThanOrEqual(0);
    expect(found?.memoryUsageBytes).toBeGreaterThan(0);
    await runtime.removeSandbox(sandbox.id);
  });

  if (!hasKnownImages) imageTests();

  test('what does not exist is not found', async () => {
    const absent = 'f'.repeat(64);
    await expect(runtime.startContainer(absent)).rejects.toMatchObject({ code: 'not-found' });
    await expect(runtime.execSync(absent, ['true'], 1000)).rejects.toMatchObject({ code: 'not-found' });
    await expect(runtime.logs(absent, allLogs, new Collector(), new Collector())).rejects.toMatchObject({
      code: 'not-found',
    });
    await expect(runtime.portForward(absent, 80)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('it says what it is', async () => {
    const info = await runtime.info();
    expect(info.name).toMatch(/^\w+$/);
    expect([1, 2]).toContain(info.cgroupVersion);
  });
}

/** Looks again after every event; events may be lost, so it looks now and then as well. */
async function until<T>(runtime: ContainerRuntime, probe: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 10_000;
  let wake: () => void = () => undefined;
  const stop = runtime.watch(() => wake());
  try {
    for (;;) {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
      if (Date.now() > deadline) throw new Error('the condition did not come true within 10 s');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 50);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    stop();
  }
}
