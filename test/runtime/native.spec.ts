import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  type ContainerConfig,
  type ContainerStatus,
  createNativeRuntime,
  type NativeRuntime,
  purgeNative,
  type SandboxConfig,
} from '#runtime';
import { systemClock } from '#machinery';
import { withHostMutex } from '#process';
import { silentLogger } from '#telemetry';
import { eventually } from '../tools/eventually';
import { describeWith } from '../tools/requirements';
import { Collector, containerOf, describeContainerRuntime, sandboxOf } from './container-runtime.contract';

const second = 16 + (process.pid % 200);
const image = 'nestor.local/node';

/** A node of a cluster of its own, with a directory that goes with it. */
class NativeLab {
  readonly home = mkdtempSync(join(tmpdir(), 'nestor-native-'));
  readonly runtime: NativeRuntime;
  private last = 1;

  constructor(
    readonly cluster: string,
    private readonly subnet: string,
  ) {
    this.runtime = this.open();
  }

  /** A runtime of the same node, as a new process would open it. */
  open(): NativeRuntime {
    return createNativeRuntime({
      cluster: this.cluster,
      clusterCidr: `${this.subnet}.0/24`,
      gateway: `${this.subnet}.1`,
      directory: join(this.home, 'native', 'n1'),
      images: { directory: join(this.home, 'images'), mutex: withHostMutex },
      node: 'n1',
      clock: systemClock,
      random: Math.random,
      logger: silentLogger(),
    });
  }

  nextIp(): string {
    return `${this.subnet}.${++this.last}`;
  }

  async purge(): Promise<void> {
    await this.runtime.close();
    await purgeNative({ directory: join(this.home, 'native'), cluster: this.cluster, clock: systemClock });
    rmSync(this.home, { recursive: true });
  }
}

/** Repeats until there is an answer. */
function until<T>(probe: () => Promise<T | undefined>): Promise<T> {
  return eventually(async () => {
    const found = await probe();
    if (found === undefined) throw new Error('it has not happened');
    return found;
  });
}

describeWith(['runc', 'root', 'ip', 'nft'], 'the native runtime keeps the contract', () => {
  describeContainerRuntime(async () => {
    const lab = new NativeLab(`native-${process.pid}-a`, `10.197.${second}`);
    await lab.runtime.ensureLocalImages();
    return { runtime: lab.runtime, image, nextIp: () => lab.nextIp(), cleanUp: () => lab.purge() };
  });
});

describeWith(['runc', 'root', 'ip', 'nft'], 'pods without an engine', () => {
  let lab: NativeLab;
  let runtime: NativeRuntime;

  beforeAll(async () => {
    lab = new NativeLab(`native-${process.pid}-b`, `10.196.${second}`);
    runtime = lab.runtime;
    await runtime.ensureLocalImages();
  }, 60_000);
  afterAll(() => lab.purge());

  async function run(
    command: readonly string[],
    container: Partial<ContainerConfig> = {},
    pod: Partial<SandboxConfig> = {},
    by = runtime,
  ) {
    const config = sandboxOf(pod.hostNetwork === true ? pod : { ip: lab.nextIp(), ...pod });
    const sandbox = await by.runSandbox(config);
    const id = await by.createContainer(sandbox.id, config, containerOf(image, command, container));
    return { config, sandbox, id };
  }

  async function ended(id: string): Promise<ContainerStatus> {
    await runtime.logs(id, { follow: true, timestamps: false }, new Collector(), new Collector());
    return until(async () => {
      const status = await runtime.containerStatus(id);
      return status.state === 'exited' ? status : undefined;
    });
  }

  /** As far as it is written. */
  async function logOf(id: string): Promise<string> {
    const out = new Collector();
    await runtime.logs(id, { follow: false, timestamps: false }, out, out);
    return out.text;
  }

  /** To its end. */
  async function outputOf(id: string): Promise<string> {
    const out = new Collector();
    await runtime.logs(id, { follow: true, timestamps: false }, out, out);
    return out.text;
  }

  test('a command that is not there cannot run, and says so', async () => {
    const { id } = await run(['no-such-command']);
    await expect(runtime.startContainer(id)).rejects.toMatchObject({
      code: 'start-failed',
      message: expect.stringContaining('executable file not found') as string,
    });
    expect(await runtime.containerStatus(id)).toMatchObject({
      state: 'exited',
      exitCode: 127,
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
    const next = lab.open();
    try {
      expect(await next.listSandboxes(config.pod.uid)).toMatchObject([
        { id: sandbox.id, pod: config.pod, state: 'ready' },
      ]);
      expect(await next.listContainers(config.pod.uid)).toEqual([await runtime.containerStatus(id)]);
    } finally {
      await next.close();
    }
  });

  test('containers, their logs and exit codes outlive the process that started them', async () => {
    const starter = lab.open();
    const { id, config } = await run(['sh', '-c', 'echo before; sleep 0.3; echo after; exit 4'], {}, {}, starter);
    await starter.startContainer(id);
    await starter.close();
    const next = lab.open();
    try {
      const status = await until(async () => {
        const [found] = await next.listContainers(config.pod.uid);
        return found?.state === 'exited' ? found : undefined;
      });
      expect(status).toMatchObject({ exitCode: 4, reason: 'Error' });
      const out = new Collector();
      await next.logs(id, { follow: false, timestamps: false }, out, out);
      expect(out.text).toBe('before\nafter\n');
    } finally {
      await next.close();
    }
  });

  test('a pod reaches another one by its address', async () => {
    const server = await run(['node', '-e', 'require("net").createServer((s) => s.end("hello")).listen(80)']);
    await runtime.startContainer(server.id);
    const client = `const connect = () => require("net").connect(80, "${server.config.ip}")
      .on("error", () => setTimeout(connect, 50)).on("data", (data) => console.log(String(data))); connect()`;
    const { id } = await run(['node', '-e', client]);
    await runtime.startContainer(id);
    expect(await outputOf(id)).toBe('hello\n');
  });

  test('a port of the host leads to its pod, on any address of the host', async () => {
    const hostPort = 21_000 + (process.pid % 10_000);
    const { id, sandbox } = await run(
      ['node', '-e', 'require("net").createServer((s) => s.end("hello")).listen(80, () => console.log("up"))'],
      {},
      { portMappings: [{ containerPort: 80, hostPort, protocol: 'TCP' }] },
    );
    await runtime.startContainer(id);
    await until(async () => (await logOf(id)).includes('up') || undefined);
    expect(await text(connect(hostPort, '127.0.0.1'))).toBe('hello');
    await runtime.removeSandbox(sandbox.id);
    await expect(text(connect(hostPort, '127.0.0.1'))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('attached, one writes to the container and reads what it says', async () => {
    const { id } = await run(['sh', '-c', 'while read x; do echo "got $x"; done'], { stdin: true, stdinOnce: true });
    await runtime.startContainer(id);
    const [stdin, stdout] = [new PassThrough(), new Collector()];
    const attached = runtime.attach(id, { tty: false, stdin, stdout, stderr: new Collector() });
    stdin.write('one\n');
    await until(() => Promise.resolve(stdout.text.includes('got one\n') || undefined));
    stdin.end('two\n');
    await attached;
    expect(stdout.text).toBe('got one\ngot two\n');
    expect(await ended(id)).toMatchObject({ exitCode: 0 });
  });

  test('an unknown user is told by its name', async () => {
    const security = { ...containerOf(image, []).security, user: 'nobody-here' };
    const { id } = await run(['true'], { security });
    await expect(runtime.startContainer(id)).rejects.toMatchObject({
      code: 'start-failed',
      message: 'unable to find user nobody-here: no matching entries in passwd file',
    });
    expect(await runtime.containerStatus(id)).toMatchObject({ state: 'exited', reason: 'ContainerCannotRun' });
  });

  test('a log that a reader follows can be rotated', async () => {
    const { id } = await run(['node', '-e', 'for (let i = 0; i < 220_000; i++) console.log(`${i} ${"x".repeat(60)}`)']);
    await runtime.startContainer(id);
    const [first = '', ...more] = (await outputOf(id)).trimEnd().split('\n');
    expect([first.split(' ')[0], more.length, more.at(-1)?.split(' ')[0]]).toEqual(['0', 219_999, '219999']);
  }, 60_000);

  test('purging leaves nothing, and can be repeated', async () => {
    const other = new NativeLab(`native-${process.pid}-c`, `10.195.${second}`);
    await other.runtime.ensureLocalImages();
    const config = sandboxOf({ ip: other.nextIp() });
    const sandbox = await other.runtime.runSandbox(config);
    const id = await other.runtime.createContainer(sandbox.id, config, containerOf(image, ['sleep', '3600']));
    await other.runtime.startContainer(id);
    const purge = (): Promise<void> =>
      purgeNative({ directory: join(other.home, 'native'), cluster: other.cluster, clock: systemClock });
    await purge();
    await purge();
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(other.home);
    expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(other.home);
    expect(execFileSync('ip', ['-o', 'addr'], { encoding: 'utf8' })).not.toContain(`10.195.${second}.1/`);
    expect(readdirSync('/sys/fs/cgroup/memory')).not.toContain(`nestor-${other.cluster}`);
    await other.purge();
  });
});
