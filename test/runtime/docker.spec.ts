import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  connectToDocker,
  type ContainerConfig,
  type ContainerStatus,
  createDockerRuntime,
  type DockerRuntime,
  type SandboxConfig,
} from '#runtime';
import { systemClock } from '#machinery';
import { silentLogger } from '#telemetry';
import { eventually } from '../tools/eventually';
import { describeWith } from '../tools/requirements';
import { Collector, containerOf, describeContainerRuntime, sandboxOf } from './container-runtime.contract';
import { SocketProxy } from './socket-proxy';

const cluster = `test-${process.pid}-${Date.now().toString(36)}`;
const second = 16 + (process.pid % 200);
let last = 1;
const nextIp = (): string => `10.199.${second}.${++last}`;

/** Repeats until there is an answer. */
function until<T>(probe: () => Promise<T | undefined>): Promise<T> {
  return eventually(async () => {
    const found = await probe();
    if (found === undefined) throw new Error('it has not happened');
    return found;
  });
}

describeWith(['docker', 'root'], 'the docker runtime keeps the contract', () => {
  const connection = connectToDocker();
  let runtime: DockerRuntime;

  describeContainerRuntime(async () => {
    await connection.ensureLocalImages();
    runtime = createDockerRuntime({
      cluster,
      node: 'n1',
      clusterCidr: `10.199.${second}.0/24`,
      gateway: `10.199.${second}.1`,
      clock: systemClock,
      random: Math.random,
      logger: silentLogger(),
    });
    return {
      runtime,
      image: 'nestor.local/node',
      nextIp,
      cleanUp: async () => {
        await runtime.close();
        await connection.purgeCluster(cluster);
        connection.close();
      },
    };
  });
});

describeWith(['docker', 'root'], 'pods on Docker', () => {
  const own = `${cluster}-b`;
  const subnet = `10.198.${second}`;
  const connection = connectToDocker();
  let proxy: SocketProxy;
  let runtime: DockerRuntime;
  let address = 1;
  const image = 'nestor.local/node';

  beforeAll(async () => {
    await connection.ensureLocalImages();
    proxy = await SocketProxy.listen();
    runtime = makeRuntime(proxy.path);
  }, 60_000);
  afterAll(async () => {
    await runtime.close();
    await proxy.close();
    await connection.purgeCluster(own);
    connection.close();
  });

  function makeRuntime(socketPath?: string): DockerRuntime {
    return createDockerRuntime({
      cluster: own,
      node: 'n1',
      clusterCidr: `${subnet}.0/24`,
      gateway: `${subnet}.1`,
      clock: systemClock,
      random: Math.random,
      logger: silentLogger(),
      ...(socketPath === undefined ? {} : { socketPath }),
    });
  }

  async function run(
    command: readonly string[],
    container: Partial<ContainerConfig> = {},
    pod: Partial<SandboxConfig> = {},
  ) {
    const config = sandboxOf(pod.hostNetwork === true ? pod : { ip: `${subnet}.${++address}`, ...pod });
    const sandbox = await runtime.runSandbox(config);
    const id = await runtime.createContainer(sandbox.id, config, containerOf(image, command, container));
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
    const next = makeRuntime();
    try {
      expect(await next.listSandboxes(config.pod.uid)).toMatchObject([
        { id: sandbox.id, pod: config.pod, state: 'ready' },
      ]);
      expect(await next.listContainers(config.pod.uid)).toEqual([await runtime.containerStatus(id)]);
    } finally {
      await next.close();
    }
  });

  test('when the engine goes away calls are rejected, and when it is back watchers are told to relist', async () => {
    const { id, config } = await run(['sleep', '3600']);
    await runtime.startContainer(id);
    let resyncs = 0;
    const stop = runtime.watch(
      () => undefined,
      () => resyncs++,
    );
    const stopping = runtime.stopContainer(id, 30);
    const rejected = expect(stopping).rejects.toMatchObject({ code: 'unavailable' });
    await until(async () => (await connection.version()) !== '' || undefined);
    proxy.cut();
    await rejected;
    await expect(runtime.listContainers()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(runtime.info()).rejects.toMatchObject({ code: 'unavailable' });
    proxy.mend();
    await until(() => Promise.resolve(resyncs > 0 || undefined));
    expect(await runtime.listContainers(config.pod.uid)).toHaveLength(1);
    stop();
  });

  test('a network that somebody removed is made again', async () => {
    for (const { id } of await runtime.listSandboxes()) await runtime.removeSandbox(id);
    execFileSync('docker', ['network', 'rm', `nestor-${own}`], { stdio: 'ignore' });
    const { sandbox } = await run(['true']);
    expect(await runtime.listSandboxes()).toMatchObject([{ id: sandbox.id, ip: sandbox.ip }]);
  });

  test('purging leaves nothing, and can be repeated', async () => {
    await run(['true']);
    await connection.purgeCluster(own);
    await connection.purgeCluster(own);
    const filter = `label=nestor.dev/cluster=${own}`;
    expect(execFileSync('docker', ['ps', '-aq', '--filter', filter], { encoding: 'utf8' })).toBe('');
    expect(execFileSync('docker', ['network', 'ls', '-q', '--filter', filter], { encoding: 'utf8' })).toBe('');
  });
});
