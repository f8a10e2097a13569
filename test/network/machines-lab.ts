import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureDeploymentPki } from '../../apps/nestor/src/deployment-pki';
import { ManagedProcess } from '../cluster/managed-process';
import { electedApps } from '../cluster/process-cluster';
import { eventually } from '../tools/eventually';
import { kubectlPath } from '../tools/kubernetes-clients';
import { Machine } from './machine';
import { NamespaceLab } from './namespace-lab';

const run = promisify(execFile);
const dist = join(__dirname, '../../dist/apps');
const SERVER = 'https://192.0.2.10:6443';

/**
 * A cluster on three machines, each with its own Docker, and its control plane on a fourth:
 *
 *     switch ─┬─ control 192.0.2.10: broker, store, gateway, controllers, scheduler, name server
 *             ├─ outside 192.0.2.20: knows nothing of the cluster
 *             ├─ host1   192.0.2.11: dockerd, node agent
 *             ├─ host2   192.0.2.12 …
 *             └─ host3
 */
export class MachinesLab extends NamespaceLab {
  static readonly clusterCidr = '10.244.0.0/16';
  static readonly cluster = 'machines';
  static readonly outsideIp = '192.0.2.20';
  readonly hosts = ['host1', 'host2', 'host3'] as const;
  readonly directory = mkdtempSync(join(tmpdir(), 'nestor-machines-'));
  readonly machines = new Map<string, Machine>();
  private readonly processes = new Map<string, ManagedProcess>();

  static async create(backend: string): Promise<MachinesLab> {
    const lab = new MachinesLab();
    try {
      await lab.build();
      await lab.startControlPlane();
      for (const host of lab.hosts) lab.startAgent(host, backend);
      return lab;
    } catch (error) {
      await lab.destroy();
      throw error;
    }
  }

  static ipOf(host: string): string {
    return `192.0.2.1${host.slice(-1)}`;
  }

  /** Runs a program on a host. */
  async on(host: string, ...argv: string[]): Promise<string> {
    return this.machine(host).run(...argv);
  }

  /** Runs kubectl on the machine of the control plane; rejects with what it said if it fails. */
  async kubectl(...args: string[]): Promise<string> {
    const [program, ...argv] = await this.kubectlCommand(args);
    return (await run(program, argv, { env: this.clientEnv, maxBuffer: 64 << 20 })).stdout;
  }

  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.kubectl(...args, '-o', 'json')) as T;
  }

  async apply(objects: readonly object[]): Promise<void> {
    const file = join(this.directory, 'objects.json');
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    await this.kubectl('apply', '-f', file);
  }

  /** Starts a kubectl that goes on; it ends with the lab. */
  async kubectlStream(...args: string[]): Promise<ChildProcess> {
    const [program, ...argv] = await this.kubectlCommand(args);
    return this.keep(spawn(program, argv, { env: this.clientEnv, stdio: ['ignore', 'pipe', 'inherit'] }));
  }

  /** Kills the agent of a host and starts one with this backend in its place. */
  async restartAgent(host: string, backend: string): Promise<void> {
    await this.processes.get(`agent-${host}`)?.kill();
    // It ends with the process that stands for it here, but not before.
    await eventually(async () => {
      if ((await this.on(host, 'ps', '-eo', 'args')).includes('node-agent/main.js')) throw new Error('still there');
    });
    this.startAgent(host, backend);
  }

  /** Pulls a host's cable out, or puts it back. */
  async setCable(host: string, state: 'up' | 'down'): Promise<void> {
    await this.must('switch', `ip link set to-${host} ${state}`);
  }

  /** The last lines of what all processes have said. */
  logs(lines = 15): string {
    return [...this.processes.values()]
      .map(({ name, log }) => `── ${name}\n${log.trimEnd().split('\n').slice(-lines).join('\n')}`)
      .join('\n');
  }

  override async destroy(): Promise<void> {
    await Promise.all(
      [...this.processes.values()].map((one) => (one.name.startsWith('agent') ? one.kill() : one.stop())),
    );
    await Promise.all([...this.machines.values()].map((machine) => machine.powerOff()));
    await super.destroy();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Namespaces, processes, mounts and cgroups that should be gone: their links and containers went with them. */
  leftovers(): string[] {
    const own = [this.directory, this.namespace('')];
    const isOwn = (text: string): boolean => own.some((name) => text.includes(name));
    const processes = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
    return [
      ...readdirSync('/run/netns'),
      ...processes.map((pid) => readIfThere(`/proc/${pid}/cmdline`)),
      ...readFileSync('/proc/self/mounts', 'utf8').split('\n'),
      ...readdirSync('/sys/fs/cgroup').flatMap((hierarchy) => readdirSync(join('/sys/fs/cgroup', hierarchy))),
    ].filter(isOwn);
  }

  private async build(): Promise<void> {
    // Pods of other users go through it.
    chmodSync(this.directory, 0o711);
    await this.add('switch');
    await this.must('switch', 'ip link add br0 type bridge; ip link set br0 up');
    await this.plug('control', '192.0.2.10');
    await this.plug('outside', MachinesLab.outsideIp);
    for (const host of this.hosts) await this.plug(host, MachinesLab.ipOf(host));
    await this.serve('outside');
    const booting = this.hosts.map(async (name) => {
      const options = { name, network: this.namespace(name), directory: join(this.directory, name) };
      this.machines.set(name, await Machine.boot(options));
    });
    // All of them, so that those which do start are ended, too.
    for (const result of await Promise.allSettled(booting)) if (result.status === 'rejected') throw result.reason;
  }

  private async plug(name: string, ip: string): Promise<void> {
    await this.add(name);
    await this.link(name, 'switch', `to-${name}`);
    await this.must('switch', `ip link set to-${name} master br0`);
    await this.must(name, `ip addr add ${ip}/24 dev eth0`);
  }

  private async startControlPlane(): Promise<void> {
    await ensureDeploymentPki({
      directory: join(this.directory, 'pki'),
      gatewayHosts: ['192.0.2.10'],
      storeHosts: [],
      natsHosts: ['192.0.2.10'],
      nodes: this.hosts,
      server: SERVER,
      serviceAddress: '10.96.0.1',
      clusterDomain: 'cluster.local',
      natsMount: join(this.directory, 'pki/nats'),
      natsPort: 4222,
    });
    const control = ['ip', 'netns', 'exec', this.namespace('control')] as const;
    const app = (name: string, env: Record<string, string>): void =>
      this.startProcess(name, [...control, process.execPath, join(dist, name, 'main.js')], env);
    this.startProcess('nats', [...control, 'nats-server', '-c', this.pki('nats/nats.conf')], {});
    app('store', { STORE_DATA_DIR: join(this.directory, 'store') });
    app('gateway', {
      NATS_URL: 'tls://192.0.2.10:4222',
      NATS_ACCOUNT_SEED_FILE: this.pki('gateway/bus-account.seed'),
      TLS_CA_FILE: this.pki('gateway/ca.crt'),
      TLS_CERT_FILE: this.pki('gateway/client.crt'),
      TLS_KEY_FILE: this.pki('gateway/client.key'),
      STORE_ENDPOINTS: 'http://127.0.0.1:2379',
      ADVERTISE_ADDRESS: '192.0.2.10',
      SERVING_CERT_FILE: this.pki('gateway/tls.crt'),
      SERVING_KEY_FILE: this.pki('gateway/tls.key'),
      CLIENT_CA_FILE: this.pki('gateway/ca.crt'),
      SERVICE_ACCOUNT_KEY_FILE: this.pki('gateway/service-account.key'),
      KUBELET_CLIENT_CERT_FILE: this.pki('gateway/kubelet-client.crt'),
      KUBELET_CLIENT_KEY_FILE: this.pki('gateway/kubelet-client.key'),
    });
    // A node says that it is there every ten seconds.
    const signing = { SIGNING_KEY_FILE: this.pki('node-controller/ca.key') };
    for (const name of electedApps) {
      const more = name === 'node-controller' ? signing : {};
      app(name, { ...this.identity(name), NODE_MONITOR_GRACE_PERIOD: '16s', ...more });
    }
    // It needs the API to make its Service.
    await eventually(() => this.kubectl('get', '--raw', '/readyz'), 60_000);
    app('dns', { ...this.identity('dns'), LISTEN_ADDRESS: '192.0.2.10:53', CLUSTER_DNS: '10.96.0.10' });
  }

  private startAgent(host: string, backend: string): void {
    const data = join(this.directory, `${host}-data`);
    mkdirSync(data, { recursive: true });
    const command = [...this.machine(host).prefix, process.execPath, join(dist, 'node-agent/main.js')] as const;
    this.startProcess(`agent-${host}`, command, {
      ...this.identity(`node-${host}`),
      NODE_NAME: host,
      NODE_IP: MachinesLab.ipOf(host),
      DATA_DIR: data,
      CLUSTER_NAME: MachinesLab.cluster,
      CLUSTER_CIDR: MachinesLab.clusterCidr,
      CLUSTER_DNS: '10.96.0.10',
      OVERLAY: backend,
    });
  }

  private startProcess(name: string, command: readonly [string, ...string[]], env: Record<string, string>): void {
    const managed = new ManagedProcess({ name, command, env, logFile: join(this.directory, `${name}.log`) });
    this.processes.set(name, managed);
    managed.start();
  }

  private machine(host: string): Machine {
    const machine = this.machines.get(host);
    if (machine === undefined) throw new Error(`no machine ${host}`);
    return machine;
  }

  private async kubectlCommand(args: readonly string[]): Promise<[string, ...string[]]> {
    return ['ip', 'netns', 'exec', this.namespace('control'), await kubectlPath('v35'), ...args];
  }

  private get clientEnv(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], KUBECONFIG: this.pki('admin/kubeconfig'), HOME: this.directory };
  }

  /** Who a process is, and whom it asks for the rest. */
  private identity(folder: string): Record<string, string> {
    return {
      API_SERVERS: SERVER,
      TLS_CA_FILE: this.pki(`${folder}/ca.crt`),
      TLS_CERT_FILE: this.pki(`${folder}/tls.crt`),
      TLS_KEY_FILE: this.pki(`${folder}/tls.key`),
    };
  }

  private pki(name: string): string {
    return join(this.directory, 'pki', name);
  }
}

/** Processes come and go while they are counted. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
