import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ClosableObjectClient, createHttpClient } from '#client';
import { type InformerDump } from '#controller';
import { systemClock } from '#machinery';
import { hostAddresses } from '#process';
import { connectToDocker, purgeNative } from '#runtime';
import { silentLogger } from '#telemetry';
import { ensureDeploymentPki } from '../../apps/nestor/src/deployment-pki';
import { removeOverlay, removeServiceRules } from '../../apps/node-agent';
import { freePorts } from '../tools/free-ports';
import { kubectlPath } from '../tools/kubernetes-clients';
import { etcdCommand } from './etcd-command';
import { ManagedProcess } from './managed-process';

const run = promisify(execFile);
const dist = join(__dirname, '../../dist/apps');
/** A port that was free when it was chosen may be another suite's when it is opened. */
const TAKEN = /address already in use|EADDRINUSE/i;
/** Of pods: the agents' default. */
const clusterCidr = '10.244.0.0/16';

/** Every app whose replicas elect a leader. */
export const electedApps = [
  'scheduler',
  'deployment-controller',
  'replicaset-controller',
  'resource-controller',
  'node-controller',
  'service-controller',
] as const;

export interface ProcessClusterOptions {
  readonly runtime?: 'docker' | 'native' | 'fake';
  /** Agent processes; default 2. */
  readonly agents?: number;
  /** Replicas by app; default 2 of each that can be twice, 1 of store and dns. */
  readonly replicas?: Readonly<Partial<Record<string, number>>>;
  /** What keeps the state: our own store, or a real etcd in its place, both as the process `store`. */
  readonly store?: 'nestor' | 'etcd';
  /** Whether there is a `load-balancer` before the gateways. */
  readonly loadBalancer?: boolean;
  /** More environment, by app (`node-controller`) or process (`node-controller-1`). */
  readonly env?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * A cluster of which every component is a process of its own, most of them twice, on a real broker: `nats`, `store`, `gateway-0`,
 * `scheduler-1` … Each can be killed, stopped, paused and started again. Logs are in `directory`.
 */
export class ProcessCluster {
  readonly directory = mkdtempSync(join(tmpdir(), 'nestor-cluster-'));
  readonly processes = new Map<string, ManagedProcess>();
  /** Base URLs of the gateways. */
  readonly servers: string[] = [];
  /** Base URL of the load balancer, if there is one. */
  balancer = '';

  /** Names what agents make on the machine. */
  readonly clusterName = randomBytes(4).toString('hex');

  /** Of the agents. */
  readonly dataDirectories: readonly string[];

  private constructor(private readonly options: ProcessClusterOptions) {
    const { agents = 2 } = options;
    this.dataDirectories = Array.from({ length: agents }, (_, index) => join(this.directory, `agent-${index}`));
  }

  /** Resolves when every process is ready. */
  static async start(options: ProcessClusterOptions = {}): Promise<ProcessCluster> {
    for (let attempt = 1; ; attempt++) {
      const cluster = new ProcessCluster(options);
      try {
        await cluster.plan();
        for (const one of cluster.processes.values()) one.start();
        await cluster.ready();
        return cluster;
      } catch (error) {
        const isTaken = [...cluster.processes.values()].some((one) => !one.isRunning && TAKEN.test(one.log));
        await cluster.stop();
        if (attempt === 2 || !isTaken) throw error;
      }
    }
  }

  /** The process of that name. Throws if there is none. */
  get(name: string): ManagedProcess {
    const found = this.processes.get(name);
    if (found === undefined) throw new Error(`no process ${name}, only ${[...this.processes.keys()].join(', ')}`);
    return found;
  }

  kill = (name: string): Promise<void> => this.get(name).kill();
  stopProcess = (name: string): Promise<number | null> => this.get(name).stop();
  pause = (name: string): void => this.get(name).pause();
  cont = (name: string): void => this.get(name).cont();

  /** SIGKILL, and at once a new one in its place. Resolves when that is ready. */
  async restart(name: string): Promise<void> {
    await this.kill(name);
    this.get(name).start();
    await this.get(name).ready();
  }

  /** Its limit is below that of a test, so that what a process says is told. */
  async ready(timeoutMs = 60_000): Promise<void> {
    await Promise.all([...this.processes.values()].map((one) => one.ready(timeoutMs)));
  }

  /** Ends everything, in order of dependence as far as it goes, and removes the files. */
  async stop(): Promise<void> {
    const late = new Set(['nats', 'store']);
    const all = [...this.processes.values()];
    for (const one of all) one.cont();
    await Promise.all(
      all.filter(({ name }) => !late.has(name) && !name.startsWith('gateway')).map((one) => one.stop()),
    );
    await Promise.all(all.filter(({ name }) => name.startsWith('gateway')).map((one) => one.stop()));
    await Promise.all(all.filter(({ name }) => late.has(name)).map((one) => one.stop()));
    if ((this.options.runtime ?? 'fake') !== 'fake') await this.removeFromHost();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Runs kubectl against one gateway; rejects with what it said if it fails. */
  async kubectl(...args: string[]): Promise<string> {
    return this.kubectlAt(0, ...args);
  }

  async kubectlAt(gateway: number, ...args: string[]): Promise<string> {
    const { stdout } = await run(await kubectlPath('v35'), args, { env: this.clientEnv(gateway), maxBuffer: 64 << 20 });
    return stdout;
  }

  /** A client with all rights. @param server default: the first gateway */
  client(server = this.servers[0] ?? '', options: { readonly deadlineMs?: number } = {}): ClosableObjectClient {
    const pem = (name: string): string => readFileSync(this.pki('authority', name), 'utf8');
    const [ca, cert, key] = [pem('ca.crt'), pem('admin.crt'), pem('admin.key')];
    const common = { clock: systemClock, random: Math.random, userAgent: 'test/1' };
    return createHttpClient({ server, ca, cert, key, ...common, ...options });
  }

  /** A file of a component's folder. */
  pki(folder: string, name: string): string {
    return join(this.directory, 'pki', folder, name);
  }

  async kubectlStream(gateway: number, ...args: string[]): Promise<ChildProcess> {
    return spawn(await kubectlPath('v35'), args, { env: this.clientEnv(gateway), stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** What the informers of a process hold, by resource. */
  async informers(name: string): Promise<Readonly<Record<string, InformerDump>>> {
    return JSON.parse((await this.get(name).get('/debug/informers')).text) as Record<string, InformerDump>;
  }

  /** Which process of an app leads, by the identity in its lease and the logs. */
  async leaderOf(app: string): Promise<string> {
    const holder = await this.kubectl(
      'get',
      'lease',
      app,
      '-n',
      'kube-system',
      '-o',
      'jsonpath={.spec.holderIdentity}',
    );
    const found = [...this.processes.values()].find(
      ({ name, log }) => name.startsWith(`${app}-`) && log.includes(holder),
    );
    if (holder === '' || found === undefined) throw new Error(`nobody leads ${app}`);
    return found.name;
  }

  /** What agents leave on purpose: containers go on without them. */
  private async removeFromHost(): Promise<void> {
    if (this.options.runtime === 'docker') {
      const docker = connectToDocker();
      await docker.purgeCluster(this.clusterName).finally(() => docker.close());
    }
    for (const directory of this.dataDirectories) {
      await purgeNative({ directory: join(directory, 'native'), cluster: this.clusterName, clock: systemClock });
    }
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    const own = mounts.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${this.directory}/`));
    for (const path of own.reverse()) await run('umount', [path]);
    const network = { cluster: this.clusterName, clusterCidr, logger: silentLogger() };
    await removeServiceRules(network);
    await removeOverlay(network);
  }

  private clientEnv(gateway: number): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: join(this.directory, `kubeconfig-${gateway}`), HOME: this.directory };
  }

  /** Makes keys, ports and the list of processes, in order of dependence. */
  private async plan(): Promise<void> {
    const { runtime = 'fake' } = this.options;
    const address = hostAddresses()[0] ?? '127.0.0.1';
    const pkiDirectory = join(this.directory, 'pki');
    const gateways = this.replicas('gateway', 2);
    const [natsPort = 0, storePort = 0, balancerPort, ...gatewayPorts] = await freePorts(3 + gateways);
    const agentNames = this.dataDirectories.map((_, index) => `node-${index}`);
    this.servers.push(...gatewayPorts.map((port) => `https://127.0.0.1:${port}`));
    await ensureDeploymentPki({
      directory: pkiDirectory,
      gatewayHosts: [address],
      storeHosts: [],
      natsHosts: [],
      nodes: agentNames,
      server: this.servers[0] ?? '',
      serviceAddress: '10.96.0.1',
      clusterDomain: 'cluster.local',
      natsMount: join(pkiDirectory, 'nats'),
      natsPort,
    });
    const file = (folder: string, name: string): string => this.pki(folder, name);
    const identity = (folder: string): Record<string, string> => ({
      TLS_CA_FILE: file(folder, 'ca.crt'),
      TLS_CERT_FILE: file(folder, 'tls.crt'),
      TLS_KEY_FILE: file(folder, 'tls.key'),
    });
    this.add('nats', ['nats-server', '-c', file('nats', 'nats.conf')], {});

    // Components ask the gateways where NATS is.
    const API_SERVERS = this.servers.join(',');
    if (this.options.store === 'etcd') await this.addEtcd(storePort);
    else await this.addStore(storePort);
    for (const [index, port] of gatewayPorts.entries()) {
      await this.addApp('gateway', `gateway-${index}`, {
        NATS_URL: `tls://127.0.0.1:${natsPort}`,
        NATS_ACCOUNT_SEED_FILE: file('gateway', 'bus-account.seed'),
        TLS_CA_FILE: file('gateway', 'ca.crt'),
        TLS_CERT_FILE: file('gateway', 'client.crt'),
        TLS_KEY_FILE: file('gateway', 'client.key'),
        STORE_ENDPOINTS: `https://127.0.0.1:${storePort}`,
        LISTEN_ADDRESS: `0.0.0.0:${port}`,
        ADVERTISE_ADDRESS: address,
        SERVING_CERT_FILE: file('gateway', 'tls.crt'),
        SERVING_KEY_FILE: file('gateway', 'tls.key'),
        CLIENT_CA_FILE: file('gateway', 'ca.crt'),
        SERVICE_ACCOUNT_KEY_FILE: file('gateway', 'service-account.key'),
        KUBELET_CLIENT_CERT_FILE: file('gateway', 'kubelet-client.crt'),
        KUBELET_CLIENT_KEY_FILE: file('gateway', 'kubelet-client.key'),
      });
      const admin = readFileSync(file('admin', 'kubeconfig'), 'utf8');
      const content = admin.replace(this.servers[0] ?? '', this.servers[index] ?? '');
      writeFileSync(join(this.directory, `kubeconfig-${index}`), content, { mode: 0o600 });
    }
    if (this.options.loadBalancer === true) {
      this.balancer = `https://127.0.0.1:${balancerPort}`;
      const BACKENDS = gatewayPorts.map((port) => `127.0.0.1:${port}`).join(',');
      await this.addApp('load-balancer', 'load-balancer', { BACKENDS, LISTEN_ADDRESS: `127.0.0.1:${balancerPort}` });
    }
    for (const app of electedApps) {
      for (let index = 0; index < this.replicas(app, 2); index++) {
        await this.addApp(app, `${app}-${index}`, {
          API_SERVERS,
          ...identity(app),
          ...(app === 'node-controller' ? { SIGNING_KEY_FILE: file(app, 'ca.key') } : {}),
        });
      }
    }
    if (this.replicas('dns', 1) > 0) {
      await this.addApp('dns', 'dns', { API_SERVERS, ...identity('dns'), LISTEN_ADDRESS: '127.0.0.1:0' });
    }
    for (const [index, nodeName] of agentNames.entries()) {
      const dataDir = this.dataDirectories[index] ?? '';
      mkdirSync(dataDir);
      // Pods of other users go through it.
      chmodSync(this.directory, 0o711);
      await this.addApp('node-agent', `node-agent-${index}`, {
        API_SERVERS,
        ...identity(`node-${nodeName}`),
        NODE_NAME: nodeName,
        NODE_IP: address,
        RUNTIME: runtime,
        DATA_DIR: dataDir,
        CLUSTER_NAME: this.clusterName,
        LISTEN_ADDRESS: '0.0.0.0:0',
      });
    }
  }

  private async addStore(port: number): Promise<void> {
    await this.addApp('store', 'store', {
      STORE_DATA_DIR: join(this.directory, 'store'),
      LISTEN_ADDRESS: `127.0.0.1:${port}`,
      SERVING_CERT_FILE: this.pki('store', 'tls.crt'),
      SERVING_KEY_FILE: this.pki('store', 'tls.key'),
      CLIENT_CA_FILE: this.pki('store', 'ca.crt'),
    });
  }

  private async addEtcd(port: number): Promise<void> {
    const [peerPort = 0, healthPort] = await freePorts(2);
    const health = `127.0.0.1:${healthPort}`;
    const pki = (name: string): string => this.pki('store', name);
    const directory = join(this.directory, 'etcd');
    this.add('store', etcdCommand({ directory, port, peerPort, health, pki }), {}, health, '/health');
  }

  private replicas(app: string, otherwise: number): number {
    return this.options.replicas?.[app] ?? otherwise;
  }

  private async addApp(app: string, name: string, env: Record<string, string>): Promise<void> {
    const [port] = await freePorts(1);
    const more = { ...this.options.env?.[app], ...this.options.env?.[name] };
    const health = `127.0.0.1:${port}`;
    this.add(name, [process.execPath, join(dist, app, 'main.js')], { HEALTH_ADDRESS: health, ...env, ...more }, health);
  }

  private add(
    name: string,
    command: readonly [string, ...string[]],
    env: Record<string, string>,
    health?: string,
    readyPath?: string,
  ): void {
    const logFile = join(this.directory, `${name}.log`);
    const where = health === undefined ? {} : { health: `http://${health}`, readyPath };
    this.processes.set(name, new ManagedProcess({ name, command, env, logFile, ...where }));
  }
}
