import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type ContainerConfig, type ContainerRuntime, type ContainerStatus, type SandboxConfig } from '#runtime';
import { eventually } from '../tools/eventually';
import { Collector, containerOf, sandboxOf } from './container-runtime.contract';

/** Repeats until there is an answer. */
export function until<T>(probe: () => Promise<T | undefined>): Promise<T> {
  return eventually(async () => {
    const found = await probe();
    if (found === undefined) throw new Error('it has not happened');
    return found;
  });
}

/** Runs pods on a runtime, and reads what they say. */
export class Pods {
  constructor(
    readonly runtime: ContainerRuntime,
    readonly image: string,
    private readonly nextIp: () => string,
    /** A runtime of the same node, as a new process would open it. */
    readonly open: () => ContainerRuntime,
  ) {}

  /** A pod with one container, which is not started. */
  async run(
    command: readonly string[],
    container: Partial<ContainerConfig> = {},
    pod: Partial<SandboxConfig> = {},
    by = this.runtime,
  ) {
    const config = sandboxOf(pod.hostNetwork === true ? pod : { ip: this.nextIp(), ...pod });
    const sandbox = await by.runSandbox(config);
    const id = await by.createContainer(sandbox.id, config, containerOf(this.image, command, container));
    return { config, sandbox, id };
  }

  async ended(id: string): Promise<ContainerStatus> {
    await this.outputOf(id);
    return until(async () => {
      const status = await this.runtime.containerStatus(id);
      return status.state === 'exited' ? status : undefined;
    });
  }

  /** As far as it is written. */
  async logOf(id: string): Promise<string> {
    return this.read(id, false);
  }

  /** To its end. */
  async outputOf(id: string): Promise<string> {
    return this.read(id, true);
  }

  private async read(id: string, follow: boolean): Promise<string> {
    const out = new Collector();
    await this.runtime.logs(id, { follow, timestamps: false }, out, out);
    return out.text;
  }
}

/** What pods that really run have to do, whatever runs them; `describeContainerRuntime` asks the same of simulated ones, and less. */
export function describePods(get: () => Pods): void {
  let pods: Pods;
  let runtime: ContainerRuntime;
  let image: string;
  const run: Pods['run'] = (...how) => pods.run(...how);
  const ended: Pods['ended'] = (id) => pods.ended(id);
  const logOf: Pods['logOf'] = (id) => pods.logOf(id);
  const outputOf: Pods['outputOf'] = (id) => pods.outputOf(id);
  beforeAll(() => {
    pods = get();
    ({ runtime, image } = pods);
  });

  test.each([
    ['is not there', 'no-such-command', 127, /exec: "no-such-command": executable file not found/],
    ['is a directory', '/etc', 126, /exec: "\/etc": (is a directory|permission denied)/],
  ])('a command that %s cannot run, and says so', async (_, command, exitCode, message) => {
    const { id } = await run([command]);
    await expect(runtime.startContainer(id)).rejects.toMatchObject({
      code: 'start-failed',
      message: expect.stringMatching(message) as string,
    });
    expect(await runtime.containerStatus(id)).toMatchObject({
      state: 'exited',
      exitCode,
      reason: 'ContainerCannotRun',
    });
  });

  test('too much memory is OOMKilled', async () => {
    const { id } = await run(['node', '-e', 'const a = []; for (;;) a.push(Buffer.alloc(1e7, 1))'], {
      resources: { memoryLimitBytes: 64 * 1024 * 1024 },
    });
    await runtime.startContainer(id);
    expect(await ended(id)).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  });

  test('a line of any length has one timestamp', async () => {
    const { id } = await run(['node', '-e', 'console.log("x".repeat(50000)); console.log("end")']);
    await runtime.startContainer(id);
    await ended(id);
    const out = new Collector();
    await runtime.logs(id, { follow: false, timestamps: true }, out, out);
    const lines = out.text.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^\S{30} x{50000}$/);
    expect(lines[1]).toMatch(/^\S{30} end$/);
  });

  test('both streams are kept apart', async () => {
    const { id } = await run(['sh', '-c', 'echo out; echo err >&2']);
    await runtime.startContainer(id);
    const [out, err] = [new Collector(), new Collector()];
    await runtime.logs(id, { follow: true, timestamps: false }, out, err);
    expect([out.text, err.text]).toEqual(['out\n', 'err\n']);
  });

  test('a terminal has a size that can change', async () => {
    const { id } = await run(['sleep', '60']);
    await runtime.startContainer(id);
    const stdout = new Collector();
    const stdin = new PassThrough();
    async function* sizes() {
      yield { width: 91, height: 17 };
      await until(() => Promise.resolve(stdout.text.includes('ready') || undefined));
      stdin.write('go\n');
    }
    const code = await runtime.exec(id, {
      command: ['sh', '-c', 'echo ready; read x; sleep 0.1; stty size; exit 5'],
      tty: true,
      stdin,
      stdout,
      resize: sizes(),
    });
    expect(code).toBe(5);
    expect(stdout.text).toContain('17 91');
  });

  test('a command that takes too long is killed with all that it started', async () => {
    const { id } = await run(['sleep', '3600']);
    await runtime.startContainer(id);
    const result = await runtime.execSync(id, ['sh', '-c', 'sleep 1234 & sleep 1234'], 300);
    expect(result.timedOut).toBe(true);
    await until(async () => {
      const { stdout } = await runtime.execSync(id, ['ps'], 5000);
      return !stdout.toString().includes('sleep 1234') || undefined;
    });
  });

  test('output of a probe is cut at 16 KiB', async () => {
    const { id } = await run(['sleep', '3600']);
    await runtime.startContainer(id);
    const result = await runtime.execSync(id, ['node', '-e', 'process.stdout.write("x".repeat(1e6))'], 10_000);
    expect(result).toMatchObject({ exitCode: 0, timedOut: false });
    expect(result.stdout).toHaveLength(16 * 1024);
  });

  test('the signal to stop with can be chosen, by the container and by the caller', async () => {
    const script =
      'process.on("SIGUSR1", () => process.exit(11)); process.on("SIGINT", () => process.exit(12)); console.log("up"); setInterval(() => 0, 1e6)';
    for (const [stopSignal, signal, code] of [
      ['SIGUSR1', undefined, 11],
      ['SIGUSR1', 'SIGINT', 12],
    ] as const) {
      const { id } = await run(['node', '-e', script], { stopSignal });
      await runtime.startContainer(id);
      await until(async () => (await logOf(id)).includes('up') || undefined);
      await runtime.stopContainer(id, 10, signal);
      expect(await runtime.containerStatus(id)).toMatchObject({ state: 'exited', exitCode: code });
    }
  });

  test('ports are forwarded, also to servers that listen on loopback only', async () => {
    const server = (host: string, port: number): string =>
      `require("net").createServer((s) => s.end("${host}")).listen(${port}, "${host}", () => console.log("up"))`;
    const { id, sandbox } = await run(['node', '-e', `${server('0.0.0.0', 80)}; ${server('127.0.0.1', 81)}`]);
    await runtime.startContainer(id);
    await until(async () => ((await logOf(id)).split('up').length > 2 ? true : undefined));
    for (const [port, answer] of [
      [80, '0.0.0.0'],
      [81, '127.0.0.1'],
    ] as const) {
      const stream = await runtime.portForward(sandbox.id, port);
      expect(await text(stream)).toBe(answer);
      stream.end();
    }
    await expect(runtime.portForward(sandbox.id, 82)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  test('user, groups, read-only root and mounts hold', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nestor-mount-'));
    const { id } = await run(
      [
        'sh',
        '-c',
        'id -u; id -g; id -G; touch /x || echo ro; cat /data/missing/f 2>/dev/null; touch /data/y && echo rw; touch /ro/z || echo kept',
      ],
      {
        security: {
          ...containerOf(image, []).security,
          user: '1234:55',
          supplementalGroups: [77],
          readOnlyRootFilesystem: true,
        },
        mounts: [
          { hostPath: join(directory, 'made'), containerPath: '/data', readOnly: false, propagation: 'private' },
          { hostPath: directory, containerPath: '/ro', readOnly: true, propagation: 'private' },
        ],
      },
    );
    chmodSync(join(directory, 'made'), 0o777);
    await runtime.startContainer(id);
    const lines = (await outputOf(id)).split('\n');
    expect(lines).toEqual(expect.arrayContaining(['1234', '55', '55 77', 'ro', 'rw', 'kept']));
    rmSync(directory, { recursive: true });
  });

  test('with a shared process namespace the pause process is the first, and buries orphans', async () => {
    const { id } = await run(
      ['sh', '-c', 'sh -c "sleep 0.1 & exit"; sleep 0.5; ps -o pid,stat,args'],
      {},
      { shareProcessNamespace: true },
    );
    await runtime.startContainer(id);
    const output = await outputOf(id);
    expect(output).toMatch(/^\s*1 \S+\s+\/pause$/m);
    expect(output).not.toMatch(/\sZ/);
  });

  test('on the host network a container sees the host', async () => {
    const { id, sandbox } = await run(['hostname'], {}, { hostNetwork: true });
    await runtime.startContainer(id);
    expect((await outputOf(id)).trim()).toBe(hostname());
    expect(sandbox).not.toHaveProperty('ip');
  });

  test('an agent that comes back finds what it left', async () => {
    const { id, config, sandbox } = await run(['sleep', '3600']);
    await runtime.startContainer(id);
    const next = pods.open();
    try {
      expect(await next.listSandboxes(config.pod.uid)).toMatchObject([
        { id: sandbox.id, pod: config.pod, state: 'ready' },
      ]);
      expect(await next.listContainers(config.pod.uid)).toEqual([await runtime.containerStatus(id)]);
    } finally {
      await next.close();
    }
  });
}
