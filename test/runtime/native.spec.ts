import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  type ContainerConfig,
  createNativeRuntime,
  type NativeRuntime,
  purgeNative,
  type WantedPrograms,
} from '#runtime';
import { systemClock } from '#machinery';
import { withHostMutex } from '#process';
import { silentLogger } from '#telemetry';
import { describeWith, type Requirement } from '../tools/requirements';
import { Collector, containerOf, describeContainerRuntime, sandboxOf } from './container-runtime.contract';
import { describePods, Pods, until } from './pods.contract';

const second = 16 + 3 * (process.pid % 70);
const image = 'nestor.local/node';
/** Made once for all. */
const imageHome = mkdtempSync(join(tmpdir(), 'nestor-native-images-'));
afterAll(() => rmSync(imageHome, { recursive: true }));

/** Each program that makes containers, and each that watches over them. */
const combinations: readonly {
  name: string;
  needs: readonly Requirement[];
  subnet: string;
  wanted: WantedPrograms;
}[] = [
  { name: 'runc and conmon', needs: ['runc', 'conmon'], subnet: '10.197', wanted: { runtime: 'runc' } },
  {
    name: 'crun and our supervisor',
    needs: ['crun'],
    subnet: '10.196',
    wanted: { runtime: 'crun', hasOwnSupervisor: true },
  },
  {
    name: 'our launcher and supervisor',
    needs: [],
    subnet: '10.195',
    wanted: { runtime: 'launcher', hasOwnSupervisor: true },
  },
];

/** How many files a container may open: as many as this process may let it, and no more than a million. */
function openFiles(): number {
  const limit = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return Math.min(limit === 'unlimited' ? Infinity : Number(limit), 2 ** 20);
}

/** A node of a cluster of its own, with a directory that goes with it. */
class NativeLab {
  readonly home = mkdtempSync(join(tmpdir(), 'nestor-native-'));
  readonly runtime: NativeRuntime;
  private last = 1;

  constructor(
    readonly cluster: string,
    private readonly subnet: string,
    private readonly programs: WantedPrograms,
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
      images: { directory: imageHome, mutex: withHostMutex },
      node: 'n1',
      programs: this.programs,
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

describe.each(combinations)('by $name', ({ name, needs, subnet, wanted }) => {
  describeWith([...needs, 'root', 'ip', 'nft'], 'the native runtime keeps the contract', () => {
    describeContainerRuntime(
      async () => {
        const lab = new NativeLab(`native-${process.pid}-a`, `${subnet}.${second}`, wanted);
        await lab.runtime.ensureLocalImages();
        return { runtime: lab.runtime, image, nextIp: () => lab.nextIp(), cleanUp: () => lab.purge() };
      },
      { hasKnownImages: name !== combinations[0]?.name },
    );
  });

  describeWith([...needs, 'root', 'ip', 'nft'], 'pods without an engine', () => {
    let lab: NativeLab;
    let runtime: NativeRuntime;
    let pods: Pods;

    beforeAll(async () => {
      lab = new NativeLab(`native-${process.pid}-b`, `${subnet}.${second + 1}`, wanted);
      runtime = lab.runtime;
      pods = new Pods(
        runtime,
        image,
        () => lab.nextIp(),
        () => lab.open(),
      );
      await runtime.ensureLocalImages();
    });
    const labs: NativeLab[] = [];
    afterAll(async () => {
      for (const one of [lab, ...labs]) await one.purge();
    });

    describePods(() => pods);

    test('containers, their logs and exit codes outlive the process that started them', async () => {
      const starter = lab.open();
      const { id, config } = await pods.run(
        ['sh', '-c', 'echo before; sleep 0.3; echo after; exit 4'],
        {},
        {},
        starter,
      );
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
      const server = await pods.run(['node', '-e', 'require("net").createServer((s) => s.end("hello")).listen(80)']);
      await runtime.startContainer(server.id);
      const client = `const connect = () => require("net").connect(80, "${server.config.ip}")
      .on("error", () => setTimeout(connect, 50)).on("data", (data) => console.log(String(data))); connect()`;
      const { id } = await pods.run(['node', '-e', client]);
      await runtime.startContainer(id);
      expect(await pods.outputOf(id)).toBe('hello\n');
    });

    test('a port of the host leads to its pod, on any address of the host', async () => {
      const hostPort = 21_000 + (process.pid % 10_000);
      const { id, sandbox } = await pods.run(
        ['node', '-e', 'require("net").createServer((s) => s.end("hello")).listen(80, () => console.log("up"))'],
        {},
        { portMappings: [{ containerPort: 80, hostPort, protocol: 'TCP' }] },
      );
      await runtime.startContainer(id);
      await until(async () => (await pods.logOf(id)).includes('up') || undefined);
      expect(await text(connect(hostPort, '127.0.0.1'))).toBe('hello');
      // The pod itself, too: its packets come back by the port of the bridge that they came from.
      const itself = `require("net").connect(${hostPort}, "${subnet}.${second + 1}.1").pipe(process.stdout)`;
      const { stdout } = await runtime.execSync(id, ['node', '-e', itself], 10_000);
      expect(stdout.toString()).toBe('hello');
      await runtime.removeSandbox(sandbox.id);
      await expect(text(connect(hostPort, '127.0.0.1'))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });

    test('attached, one writes to the container and reads what it says', async () => {
      const { id } = await pods.run(['sh', '-c', 'while read x; do echo "got $x"; done'], {
        stdin: true,
        stdinOnce: true,
      });
      await runtime.startContainer(id);
      const [stdin, stdout] = [new PassThrough(), new Collector()];
      const attached = runtime.attach(id, { tty: false, stdin, stdout, stderr: new Collector() });
      stdin.write('one\n');
      await until(() => Promise.resolve(stdout.text.includes('got one\n') || undefined));
      stdin.end('two\n');
      await attached;
      expect(stdout.text).toBe('got one\ngot two\n');
      expect(await pods.ended(id)).toMatchObject({ exitCode: 0 });
    });

    test('a container can have a terminal, whose size changes, and which takes what is typed', async () => {
      const { id } = await pods.run(['sh', '-c', 'tty; echo ready; read x; stty size; echo "got $x"; exit 3'], {
        tty: true,
        stdin: true,
      });
      await runtime.startContainer(id);
      await until(async () => (await pods.logOf(id)).includes('ready') || undefined);
      const [stdin, stdout] = [new PassThrough(), new Collector()];
      async function* sizes() {
        yield { width: 93, height: 19 };
        stdin.write('word\n');
        await until(() => Promise.resolve(stdout.text.includes('got') || undefined));
      }
      await runtime.attach(id, { tty: true, stdin, stdout, resize: sizes() });
      expect(await pods.ended(id)).toMatchObject({ exitCode: 3 });
      expect(await pods.outputOf(id)).toMatch(/^\/dev\/(pts\/0|console)\r\nready\r\nword\r\n19 93\r\ngot word\r\n$/);
    });

    test('an unknown user is told by its name', async () => {
      const security = { ...containerOf(image, []).security, user: 'nobody-here' };
      await expect(pods.run(['true'], { security })).rejects.toMatchObject({
        code: 'create-failed',
        message: 'unable to find user nobody-here: no matching entries in passwd file',
      });
    });

    test('a container is confined: calls, capabilities, privileges, files, what it sees and may write', async () => {
      const security = {
        ...containerOf(image, []).security,
        user: '1234',
        seccomp: 'runtime/default',
        noNewPrivileges: true,
        capabilitiesDrop: ['ALL'],
        capabilitiesAdd: ['NET_BIND_SERVICE'],
      };
      const script = `cat /proc/self/status; echo "files $(ulimit -n)"; echo "kcore $(cat /proc/kcore | wc -c)";
      (echo x > /proc/sys/kernel/domainname) 2>/dev/null || echo kept; echo out > /dev/stdout; chroot / true || echo refused`;
      const { id } = await pods.run(['sh', '-c', script], { security });
      await runtime.startContainer(id);
      const lines = (await pods.outputOf(id)).split('\n').map((line) => line.replace(/\s+/g, ' '));
      const expected = [
        ...['Seccomp: 2', 'NoNewPrivs: 1', 'CapBnd: 0000000000000400', 'CapEff: 0000000000000000'],
        ...[`files ${openFiles()}`, 'kcore 0', 'kept', 'out', 'refused'],
      ];
      expect(expected.filter((line) => !lines.includes(line))).toEqual([]);
      const { exitCode, stdout } = await runtime.execSync(
        await running(security),
        ['cat', '/proc/self/status'],
        10_000,
      );
      expect([exitCode, stdout.toString()]).toEqual([0, expect.stringMatching(/^Seccomp:\s+2$/m)]);
    });

    const running = async (security: ContainerConfig['security']): Promise<string> => {
      const { id } = await pods.run(['sleep', '3600'], { security });
      await runtime.startContainer(id);
      return id;
    };

    test('no link in a volume leads a mount out of the container', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'nestor-links-'));
      const volume = join(directory, 'volume');
      mkdirSync(volume);
      const name = `nestor-escaped-${process.pid}`;
      for (const [link, to] of [
        ['root', '/'],
        ['above', '../../../../..'],
      ] as const) {
        symlinkSync(to, join(volume, link));
      }
      const mountAt = (hostPath: string, containerPath: string) =>
        ({ hostPath, containerPath, readOnly: false, propagation: 'private' }) as const;
      const paths = [`/v/root/${name}-1`, `/v/above/${name}-2`];
      const { id } = await pods.run(['sh', '-c', `ls -d /${name}-1 /${name}-2`], {
        mounts: [mountAt(volume, '/v'), ...paths.map((path) => mountAt(join(directory, 'empty'), path))],
      });
      await runtime.startContainer(id);
      expect((await pods.outputOf(id)).trim().split('\n')).toHaveLength(2);
      expect(readdirSync('/').filter((entry) => entry.startsWith(name))).toEqual([]);
      rmSync(directory, { recursive: true });
    });

    test('what a container mounts in a volume for others to see, the host sees', async () => {
      const volume = mkdtempSync(join(tmpdir(), 'nestor-shared-'));
      execFileSync('mount', ['--bind', volume, volume]);
      execFileSync('mount', ['--make-shared', volume]);
      try {
        const { id, sandbox } = await pods.run(
          ['sh', '-c', 'mkdir /v/inner && mount -t tmpfs inner /v/inner && touch /v/inner/seen && sleep 3600'],
          {
            security: { ...containerOf(image, []).security, privileged: true },
            mounts: [{ hostPath: volume, containerPath: '/v', readOnly: false, propagation: 'bidirectional' }],
          },
        );
        await runtime.startContainer(id);
        await until(() => Promise.resolve(existsSync(join(volume, 'inner', 'seen')) || undefined));
        await runtime.removeSandbox(sandbox.id);
      } finally {
        execFileSync('umount', ['--recursive', volume]);
        rmSync(volume, { recursive: true });
      }
    });

    test('a log that a reader follows can be rotated', async () => {
      const { id } = await pods.run([
        'node',
        '-e',
        'for (let i = 0; i < 120_000; i++) console.log(`${i} ${"x".repeat(60)}`)',
      ]);
      await runtime.startContainer(id);
      const [first = '', ...more] = (await pods.outputOf(id)).trimEnd().split('\n');
      expect([first.split(' ')[0], more.length, more.at(-1)?.split(' ')[0]]).toEqual(['0', 119_999, '119999']);
    });

    test('whoever mounts for the agent may die', async () => {
      const agents = execFileSync('pgrep', ['-f', `steward.pl ${lab.home}.* ${process.pid}$`], { encoding: 'utf8' });
      for (const pid of agents.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
      const { id } = await until(() => pods.run(['true']).catch(() => undefined));
      await runtime.startContainer(id);
      expect(await pods.ended(id)).toMatchObject({ exitCode: 0 });
    });

    test('purging leaves nothing, and can be repeated', async () => {
      const other = new NativeLab(`native-${process.pid}-c`, `${subnet}.${second + 2}`, wanted);
      labs.push(other);
      await other.runtime.ensureLocalImages();
      const config = sandboxOf({ ip: other.nextIp() });
      const sandbox = await other.runtime.runSandbox(config);
      const id = await other.runtime.createContainer(sandbox.id, config, containerOf(image, ['sleep', '3600']));
      await other.runtime.startContainer(id);
      await other.runtime.close();
      const purge = (): Promise<void> =>
        purgeNative({ directory: join(other.home, 'native'), cluster: other.cluster, clock: systemClock });
      await purge();
      await purge();
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(other.home);
      expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(other.home);
      expect(execFileSync('ip', ['-o', 'addr'], { encoding: 'utf8' })).not.toContain(`${subnet}.${second + 2}.1/`);
      const groups = ['/sys/fs/cgroup', '/sys/fs/cgroup/memory'].filter((place) => existsSync(place));
      expect(groups.flatMap((place) => readdirSync(place))).not.toContain(`nestor-${other.cluster}`);
    });
  });
});
