import { hostname } from 'node:os';
import { resources } from '#api';
import { type Bus, createInProcessBus, createNatsBus } from '#bus';
import { alwaysLeader, type ControllerDependencies, createInformerFactory, type InformerFactory } from '#controller';
import { type Clock, delay, nodeNameOf, systemClock } from '#machinery';
import { kubeletClientRequest } from '#pki';
import { ensureNodeNetwork, nodeAddress, type Relay, RelayedPorts, resolverAddress } from '#runtime';
import { ClientFactory, ComponentDependencies, groupsOf, hostAddresses, users } from '#process';
import { type Logger, Registry, type RunningComponent } from '#telemetry';
import { createDeploymentController } from '../../deployment-controller';
import { announceDns, createDns } from '../../dns';
import { createGateway, type RunningGateway } from '../../gateway';
import {
  createHostNetwork,
  createNodeAgent,
  createOverlay,
  createOverlayHost,
  createServiceProxy,
  podNetworkOptions,
  type ServiceProxy,
  whyNoHostNetwork,
} from '../../node-agent';
import { createNodeController } from '../../node-controller';
import { createReplicaSetController } from '../../replicaset-controller';
import { createResourceController } from '../../resource-controller';
import { createScheduler } from '../../scheduler';
import { createServiceController } from '../../service-controller';
import { type ClusterIdentity, type ClusterPki, type ClusterState } from './cluster-state';
import { type NetworkPlan, networkPlan } from './network-plan';
import { chooseRuntime, type RuntimeChoice, type WantedRuntime } from './runtime-choice';

export { ensureNodeIdentity, type NodeIdentity, removeOverlay, removeServiceRules } from '../../node-agent';

export interface ClusterOptions {
  readonly state: ClusterState;
  /** Where the API listens. Default: everywhere, since pods reach it over the bridge. */
  readonly host?: string;
  /** 0: any free port. */
  readonly port: number;
  readonly runtime: WantedRuntime;
  readonly nodes: number;
  /** Present: this process is in an ordinary user's namespace, and by this the machine's network is reached. */
  readonly relay?: Relay;
  /** Default: the machine's name, followed by a number as if each further node were a machine of its own. */
  readonly nodeName?: (index: number) => string;
  readonly clock?: Clock;
  /** URL of a NATS server, or a bus that whoever made it closes; absent: one in process. */
  readonly bus?: string | Bus;
  readonly logger: Logger;
  readonly progress: (activity: string) => void;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

export interface RunningCluster extends RunningComponent {
  readonly server: string;
  readonly runtime: string;
  readonly notes: readonly string[];
  /** By node. */
  readonly agents: ReadonlyMap<string, RunningComponent>;
  /** See `RunningComponent`: true of every component. */
  isIdle(): boolean;
}

const READY_TIMEOUT_MS = 30_000;
const POLL_MS = 10;
const DNS_PORT = 53;
/** Reaches other machines whatever lies between them. Makes nothing while there are none. */
const OVERLAY = 'vxlan';

/**
 * The composition root: every component in one process, started in order of dependence and stopped in reverse. Resolves when
 * the cluster is ready for work; what could not be had (a container runtime) is in the notes.
 */
export async function startCluster(options: ClusterOptions): Promise<RunningCluster> {
  const components: RunningComponent[] = [];
  const stop = async (): Promise<void> => {
    for (const component of components.splice(0).reverse()) {
      try {
        await component.stop();
      } catch (error) {
        options.logger.error({ err: error, component: component.name }, 'a component did not stop cleanly');
      }
    }
  };
  try {
    const started = await new Composition(options, components).start();
    const isIdle = (): boolean => components.every((component) => component.isIdle?.() !== false);
    return { ...started, name: 'cluster', isIdle, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

class Composition {
  private readonly clock: Clock;
  private readonly random = Math.random;
  private readonly nodeNames: readonly string[];
  private readonly agents = new Map<string, RunningComponent>();
  private readonly hostIp: string;
  /** Why nothing leaves the node's own network, if it has one. */
  private networkProblem: string | undefined;
  private readonly notes: string[] = [];

  constructor(
    private readonly options: ClusterOptions,
    /** Started components, in the order of their start. */
    private readonly components: RunningComponent[],
  ) {
    this.clock = options.clock ?? systemClock;
    const { nodes, nodeName = machineName, relay } = options;
    this.hostIp = relay === undefined ? (hostAddresses()[0] ?? '127.0.0.1') : nodeAddress;
    this.nodeNames = Array.from({ length: nodes }, (_, index) => nodeName(index));
  }

  async start(): Promise<Pick<RunningCluster, 'server' | 'runtime' | 'notes' | 'agents'>> {
    const { state, progress, nodes, logger } = this.options;
    const { clock, random } = this;
    const identity = await state.identity();
    const plan = networkPlan(identity.plan);
    progress('loading keys and state');
    if (this.options.relay !== undefined) this.networkProblem = await ensureNodeNetwork(plan);
    const [pki, [choice, obstacle]] = await Promise.all([
      state.pki(plan, this.nodeNames[0] ?? machineName(0)),
      this.chooseRuntime(identity, plan),
    ]);
    this.notes.push(...choice.notes);
    const bus = await this.startBus();
    const gateway = await this.startGateway(plan, pki, bus);
    const server = `https://127.0.0.1:${gateway.port}`;
    await state.announce(pki, server);

    progress('starting controllers');
    const clients = new ClientFactory({ bus, clock, random });
    const informers = this.startInformers(bus, clients);
    const dependencies = this.add(
      new ComponentDependencies({
        clients,
        informers,
        clock,
        random,
        logger,
        // One process, one data directory, one holder of its lock.
        elector: alwaysLeader,
        metrics: () => new Registry(),
      }),
    );
    await this.startControllers(plan, pki, dependencies);

    progress(`starting ${nodes === 1 ? 'a node' : `${nodes} nodes`} on ${choice.name}`);
    if (choice.hasRealPods) await this.startDns(plan, dependencies);
    const proxy = choice.hasRealPods ? await this.startNetwork(identity, plan, dependencies, obstacle) : undefined;
    await this.startAgents(plan, pki, dependencies, choice, proxy);
    await this.untilReady(clients, choice);
    return { server, runtime: choice.name, notes: this.notes, agents: this.agents };
  }

  private add<T extends RunningComponent>(component: T): T {
    this.components.push(component);
    this.options.signal.throwIfAborted();
    return component;
  }

  private async startBus(): Promise<Bus> {
    const { bus: given, logger } = this.options;
    if (typeof given === 'object') return given;
    const bus =
      given === undefined
        ? createInProcessBus({ clock: this.clock, random: this.random, logger })
        : await createNatsBus({ servers: [given], name: 'nestor', logger });
    this.add({ name: 'bus', stop: () => bus.close() });
    return bus;
  }

  private async startGateway(plan: NetworkPlan, pki: ClusterPki, bus: Bus): Promise<RunningGateway> {
    const { state, host = '0.0.0.0', logger } = this.options;
    const port = await this.announcePort();
    const opened = await state.openStore({ clock: this.clock, logger });
    this.add({ name: 'store', stop: () => opened.close() });
    const { store } = opened;
    const { apiserver, 'kubelet-client': kubeletClient } = pki.certificates;
    const authority = pki.authority.certificatePem;
    const issuer = `https://kubernetes.default.svc.${plan.clusterDomain}`;
    return this.add(
      await createGateway(
        {
          host,
          port,
          tls: { ...apiserver, clientCaPem: authority },
          advertise: { address: host === '0.0.0.0' ? this.hostIp : host },
          serviceCidr: plan.serviceCidr,
          nodePortRange: plan.nodePortRange,
          serviceAccounts: { issuer, keyPem: pki.serviceAccountKeyPem, audiences: [issuer] },
          groupsOf,
          agents: { ...kubeletClient, caPem: authority },
        },
        { store, bus, logger, clock: this.clock, random: this.random },
      ),
    );
  }

  /** Without root the machine's port is another than this process's, and has the same number. */
  private async announcePort(): Promise<number> {
    const { relay, port } = this.options;
    if (relay === undefined) return port;
    const opened = await relay.open('tcp', { ip: '0.0.0.0', port }, { ip: '127.0.0.1', port: 0 });
    this.add({ name: 'api port', stop: () => Promise.resolve(opened.close()) });
    return opened.port;
  }

  private startInformers(bus: Bus, clients: ClientFactory): InformerFactory {
    const { clock, random } = this;
    const client = clients.as(users.informers, 'kube-controller-manager');
    const informers = createInformerFactory({ bus, client, clock, random, logger: this.options.logger });
    this.add({ name: 'informers', stop: () => informers.stop() });
    return informers;
  }

  private async startControllers(
    plan: NetworkPlan,
    pki: ClusterPki,
    dependencies: ComponentDependencies,
  ): Promise<void> {
    const of = (name: string): ControllerDependencies => dependencies.forController(name);
    const { clientAs } = dependencies;
    const rootCa = pki.authority.certificatePem;
    const { clusterCidr } = plan;
    this.add(await createResourceController({ clientAs, rootCa }, of('resource-controller')));
    this.add(
      await createNodeController({ clientAs, clusterCidr, signingAuthority: pki.authority }, of('node-controller')),
    );
    this.add(await createReplicaSetController({ clientAs }, of('replicaset-controller')));
    this.add(await createDeploymentController({}, of('deployment-controller')));
    this.add(await createServiceController({ clientAs }, of('service-controller')));
    this.add(await createScheduler({}, dependencies.as(users.scheduler, 'kube-scheduler')));
  }

  /** Serves names on the bridge, where pods reach it, and publishes it as the Service that their resolv.conf names. */
  private async startDns(plan: NetworkPlan, dependencies: ComponentDependencies): Promise<void> {
    const listen = [{ address: plan.gateway, port: DNS_PORT }];
    const upstreams =
      this.options.relay === undefined ? {} : { upstreams: [{ address: resolverAddress, port: DNS_PORT }] };
    const options = { listen, zone: plan.clusterDomain, ...upstreams };
    const dns = await createDns(options, dependencies.as(users.informers, 'dns'));
    this.add(dns);
    const announced = { clusterIp: plan.dnsService, endpoints: dns.addresses, replica: machineName(0) };
    this.add(await announceDns(announced, dependencies.as(users.dns, 'dns')));
  }

  /** What runs containers, and why the packet filter cannot be used, if it cannot. */
  private async chooseRuntime(
    identity: ClusterIdentity,
    plan: NetworkPlan,
  ): Promise<readonly [RuntimeChoice, string | undefined]> {
    const { clock, random, hostIp: localIp } = this;
    const { runtime, logger, progress, relay } = this.options;
    const obstacle = await whyNoHostNetwork();
    const pods = await podNetworkOptions({
      proxyMasquerades: obstacle === undefined,
      ...(obstacle === undefined && relay === undefined ? { backend: OVERLAY } : {}),
      localIp,
    });
    const { root } = this.options.state;
    const rootless = relay === undefined ? undefined : { relay, problem: this.networkProblem };
    const context = { identity, root, plan, pods, rootless, clock, random, logger, progress };
    return [await chooseRuntime(runtime, context), obstacle];
  }

  /** The service proxy and the way to pods of other machines. */
  private async startNetwork(
    { name: cluster }: ClusterIdentity,
    { clusterCidr, serviceCidr, gateway }: NetworkPlan,
    dependencies: ComponentDependencies,
    obstacle: string | undefined,
  ): Promise<ServiceProxy> {
    const { logger, relay } = this.options;
    if (obstacle !== undefined && relay === undefined)
      this.notes.push(`Services are reachable on 127.0.0.1 only: ${obstacle}`);
    const { hostIp: localIp } = this;
    const { nodeNames } = this;
    const network =
      obstacle === undefined ? createHostNetwork({ cluster, clusterCidr, serviceCidr, logger }) : undefined;
    const component = dependencies.as(users.informers, 'kube-proxy');
    const proxy = this.add(
      await createServiceProxy(
        {
          cluster,
          clusterCidr,
          serviceCidr,
          gateway,
          nodeNames,
          // Addresses of Services are the node's own there.
          ...(relay !== undefined && network === undefined
            ? { forwardsClusterIps: true, forwarderAddresses: ['127.0.0.1', nodeAddress] }
            : {}),
        },
        {
          ...component,
          ...(network === undefined ? {} : { network }),
          ...(relay === undefined ? {} : { nodePorts: new RelayedPorts(relay) }),
        },
      ),
    );
    // Other machines do not reach a network of its own.
    if (network !== undefined && relay === undefined) {
      const options = { backend: OVERLAY, cluster, clusterCidr, localIp, localNodes: new Set(nodeNames) } as const;
      const host = createOverlayHost({ cluster, clusterCidr, localIp, logger });
      this.add(await createOverlay(options, { ...component, host }));
    }
    return proxy;
  }

  private async startAgents(
    plan: NetworkPlan,
    pki: ClusterPki,
    dependencies: ComponentDependencies,
    choice: RuntimeChoice,
    proxy: ServiceProxy | undefined,
  ): Promise<void> {
    const { node } = pki.certificates;
    for (const nodeName of this.nodeNames) {
      const agent = await createNodeAgent(
        {
          nodeName,
          dataDir: this.options.state.root,
          nodeIp: this.hostIp,
          clusterDns: plan.dnsService,
          clusterDomain: plan.clusterDomain,
          usesHostFilesystem: choice.hasRealPods,
          reachesPods: choice.hasRealPods,
          server: {
            port: 0,
            ...node,
            clientCaPem: pki.authority.certificatePem,
            // Only the gateway may look into pods.
            allowedClients: [kubeletClientRequest().commonName],
          },
        },
        {
          ...dependencies.as(users.node(nodeName), 'kubelet'),
          runtime: choice.runtimeFor(nodeName),
          ...(proxy === undefined ? {} : { beforeSigterm: (pod) => proxy.beforeSigterm(pod) }),
        },
      );
      this.agents.set(nodeName, this.add(agent));
    }
  }

  /** Ready means that a pod could be created and would run: the default service account is there, and a node is ready. */
  private async untilReady(clients: ClientFactory, choice: RuntimeChoice): Promise<void> {
    const client = clients.as(users.addons, 'nestor');
    const isReady = async (): Promise<boolean> => {
      const accounts = await client.list(resources.serviceAccounts, {
        namespace: 'default',
        fieldSelector: 'metadata.name=default',
      });
      if (accounts.items.length === 0) return false;
      const nodes = await client.list(resources.nodes);
      return (
        !choice.isAvailable ||
        this.nodeNames.length === 0 ||
        nodes.items.some(({ status }) =>
          status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
        )
      );
    };
    for (const deadline = this.clock.monotonic() + READY_TIMEOUT_MS; !(await isReady());) {
      if (this.clock.monotonic() > deadline)
        throw new Error(`the cluster was not ready within ${READY_TIMEOUT_MS / 1000} s; look at the log`);
      await delay(this.clock, POLL_MS, this.options.signal);
    }
  }
}

function machineName(index: number): string {
  const name = nodeNameOf(hostname());
  return index === 0 ? name : `${name}-${index}`;
}
