import { type EndpointSlice, resources, type Service } from '#api';
import { type Informer, type InformerFactory } from '#controller';
import { type Clock, type Timer } from '#machinery';
import {
  compileNft,
  computeServiceRules,
  nftTableName,
  type NftTable,
  renderNft,
  renderNftChange,
  type RuleSet,
} from '#network';
import { type Logger, type Registry, type RunningComponent } from '#telemetry';
import { type HostNetwork } from './host-network';
import { type ProxyMetrics, createProxyMetrics } from './proxy-metrics';
import { UserspaceForwarder } from './userspace-forwarder';

export interface ServiceProxyConfig {
  /** Names the nftables table, so that several clusters share a host. */
  readonly cluster: string;
  /** Nodes whose pods are on this host: all agents of the process. */
  readonly nodeNames: readonly string[];
  readonly clusterCidr: string;
  /** Addresses of Services; absent: packets for an address that no Service has are not dropped. */
  readonly serviceCidr?: string;
  /** Of the pods' bridge. Given, the proxy also masquerades what leaves the cluster: the container engine should not. */
  readonly gateway?: string;
  /** Default 0x4000, kube-proxy's. */
  readonly masqueradeMark?: number;
  /** Where the userspace forwarder opens node ports. Default 127.0.0.1 and ::1; empty: nowhere. */
  readonly forwarderAddresses?: readonly string[];
  /** Whether the userspace forwarder is to listen on the addresses of Services as well, which have to be this host's own. Default false. */
  readonly forwardsClusterIps?: boolean;
}

export interface ServiceProxyDependencies {
  readonly informers: InformerFactory;
  /** Absent where the packet filter may not be changed: then only the userspace forwarder works. */
  readonly network?: HostNetwork;
  /** Present: this process's network is not the machine's, and node ports have to be opened there as well. */
  readonly nodePorts?: NodePorts;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Registry;
}

/** Ports of the machine that lead to those of this process's network. */
export interface NodePorts {
  /** Makes them those that are wanted. Resolves to those that cannot be had; they are tried again with every call. */
  follow(
    wanted: readonly {
      readonly protocol: 'tcp' | 'udp';
      readonly at: { readonly ip: string; readonly port: number };
      readonly target: { readonly ip: string; readonly port: number };
    }[],
  ): Promise<readonly { readonly port: { readonly protocol: string; readonly at: { readonly port: number } } }[]>;
  close(): void;
}

/** A pod that is about to be stopped. */
export interface LeavingPod {
  readonly metadata?: { readonly uid?: string };
}

export interface ServiceProxy extends RunningComponent {
  /**
   * To be awaited before a pod's containers get SIGTERM: resolves when new connections no longer go to it, at once if none
   * did, after a second at most in any case. Where the pod is the only endpoint it goes on serving (KEP-1669). Never rejects.
   */
  beforeSigterm(pod: LeavingPod): Promise<void>;
  /** What is wrong, or undefined. */
  problem(): string | undefined;
}

/** Changes that arrive within this time of the last application are applied together. */
const MIN_INTERVAL_MS = 50;
const RETRY_MS = { first: 100, last: 30_000 };
/** How often it is made sure that nobody has taken our rules away (`nft flush ruleset`, a restarted firewall). */
const VERIFY_MS = 60_000;
/** How often ports that somebody else holds are tried again. */
const TAKEN_PORT_RETRY_MS = 5_000;
const SIGTERM_LIMIT_MS = 1000;
const BY_TARGET = 'service-proxy/target-uid';

/**
 * Keeps the host's packet filter and the userspace forwarder in agreement with Services and EndpointSlices: one per network
 * namespace of a host, however many agents run there. Level-triggered: a pass compares what should be with what was applied
 * last. Rules stay when it stops, so that running pods go on being reached; `removeServiceRules` takes them away.
 */
export async function createServiceProxy(
  config: ServiceProxyConfig,
  dependencies: ServiceProxyDependencies,
): Promise<ServiceProxy> {
  return new NodeServiceProxy(config, dependencies);
}

class NodeServiceProxy implements ServiceProxy {
  readonly name = 'service-proxy';
  private readonly services: Informer<Service>;
  private readonly slices: Informer<EndpointSlice>;
  private readonly localNodes: ReadonlySet<string>;
  private readonly forwarder: UserspaceForwarder;
  private readonly metrics: ProxyMetrics;
  private readonly removals: (() => void)[];
  /** UIDs of pods that are about to be stopped, while slices name them. */
  private readonly withdrawn = new Set<string>();
  /** Counts requests; a pass answers all requests made before it began. */
  private requested = 0;
  private answered = 0;
  private waiters: { readonly request: number; readonly resolve: () => void }[] = [];
  private applied: NftTable | undefined;
  private preparedAt = -Infinity;
  private filtersBridges = true;
  private failures = 0;
  private lastError: string | undefined;
  private lastPass = -Infinity;
  private timer: Timer | undefined;
  private recheck: Timer | undefined;
  private running: Promise<void> | undefined;
  private isSynced = false;
  private isStopped = false;

  constructor(
    private readonly config: ServiceProxyConfig,
    private readonly deps: ServiceProxyDependencies,
  ) {
    const { informers, clock, random, logger } = deps;
    this.localNodes = new Set(config.nodeNames);
    this.metrics = createProxyMetrics(deps.metrics);
    this.forwarder = new UserspaceForwarder({
      addresses: config.forwarderAddresses ?? ['127.0.0.1', '::1'],
      forwardsClusterIps: config.forwardsClusterIps === true,
      clock,
      random,
      logger,
    });
    this.services = informers.informer(resources.services);
    this.slices = informers.informer(resources.endpointSlices);
    this.slices.addIndex(BY_TARGET, (slice) =>
      (slice.endpoints ?? []).flatMap(({ targetRef }) => targetRef?.uid ?? []),
    );
    const onChange = (): void => this.request();
    this.removals = [
      this.services.addHandler({ onAdd: onChange, onUpdate: onChange, onDelete: onChange }),
      this.slices.addHandler({ onAdd: onChange, onUpdate: onChange, onDelete: onChange }),
    ];
    // Nothing is applied before the caches are complete: rules of an earlier run must not be thinned out meanwhile.
    Promise.all([this.services.waitFor(0), this.slices.waitFor(0)]).then(
      () => {
        this.isSynced = true;
        this.request();
      },
      (error: unknown) => {
        if (!this.isStopped) logger.error({ err: error }, 'the service proxy has lost its informers');
      },
    );
  }

  async beforeSigterm(pod: LeavingPod): Promise<void> {
    const uid = pod.metadata?.uid;
    if (uid === undefined || this.isStopped || this.slices.lister.byIndex(BY_TARGET, uid).length === 0) return;
    this.withdrawn.add(uid);
    this.request();
    const request = this.requested;
    await new Promise<void>((resolve) => {
      const limit = this.deps.clock.setTimer(SIGTERM_LIMIT_MS, () => {
        this.deps.logger.warn({ uid }, 'service rules without the pod could not be applied in time');
        resolve();
      });
      this.waiters.push({
        request,
        resolve: () => {
          limit.cancel();
          resolve();
        },
      });
      this.schedule(0);
    });
  }

  problem(): string | undefined {
    if (!this.isSynced) return 'waiting for Services and EndpointSlices';
    return this.lastError;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    for (const remove of this.removals.splice(0)) remove();
    this.timer?.cancel();
    this.recheck?.cancel();
    this.forwarder.stop();
    this.deps.nodePorts?.close();
    this.release(Infinity);
    await this.running;
  }

  private request(): void {
    this.requested++;
    const sinceLast = this.deps.clock.monotonic() - this.lastPass;
    if (this.failures === 0) this.schedule(Math.max(0, MIN_INTERVAL_MS - sinceLast));
  }

  /** Plans a pass; one that is planned already is brought forward if `ms` is 0. */
  private schedule(ms: number): void {
    if (!this.isSynced || this.isStopped || this.running !== undefined) return;
    if (this.timer !== undefined) {
      if (ms > 0) return;
      this.timer.cancel();
    }
    this.timer = this.deps.clock.setTimer(ms, () => {
      this.timer = undefined;
      this.running = this.pass().finally(() => {
        this.running = undefined;
        this.afterPass();
      });
    });
  }

  private afterPass(): void {
    if (this.isStopped) return;
    if (this.failures > 0) {
      const ceiling = Math.min(RETRY_MS.last, RETRY_MS.first * 2 ** Math.min(this.failures - 1, 20));
      this.schedule(ceiling * (0.5 + this.deps.random() / 2));
    } else if (this.answered < this.requested) {
      this.schedule(this.waiters.length > 0 ? 0 : MIN_INTERVAL_MS);
    }
  }

  /** Never rejects. */
  private async pass(): Promise<void> {
    const { clock, logger } = this.deps;
    const request = this.requested;
    const start = clock.monotonic();
    try {
      this.recheck?.cancel();
      const taken = await this.apply();
      this.answered = request;
      this.failures = 0;
      this.lastError = taken.length === 0 ? undefined : `node ports in use by others: ${taken.join(', ')}`;
      this.release(request);
      this.metrics.applied(clock.now(), (clock.monotonic() - start) / 1000);
      if (!this.isStopped) {
        this.recheck = clock.setTimer(taken.length === 0 ? VERIFY_MS : TAKEN_PORT_RETRY_MS, () => this.request());
      }
    } catch (error) {
      this.failures++;
      // What the kernel has now is unknown: the next try replaces the table as a whole.
      this.applied = undefined;
      this.lastError = error instanceof Error ? error.message : String(error);
      this.metrics.failed();
      logger.warn({ err: error, failures: this.failures }, 'service rules could not be applied');
    }
    this.lastPass = clock.monotonic();
  }

  /** Resolves to the node ports that the forwarder could not open. */
  private async apply(): Promise<string[]> {
    const { network, clock } = this.deps;
    for (const uid of this.withdrawn) {
      if (this.slices.lister.byIndex(BY_TARGET, uid).length === 0) this.withdrawn.delete(uid);
    }
    const ruleSet = computeServiceRules(this.services.lister.list(), this.slices.lister.list(), {
      localNodes: this.localNodes,
      isWithdrawn: ({ targetRef }) => targetRef?.uid !== undefined && this.withdrawn.has(targetRef.uid),
    });
    if (network !== undefined) {
      if (clock.monotonic() - this.preparedAt >= VERIFY_MS) {
        const { filtersBridges, hasTable, isComplete = true } = await network.prepare();
        // A pod that comes makes the bridge, and then an endpoint.
        this.preparedAt = isComplete ? clock.monotonic() : -Infinity;
        this.filtersBridges = filtersBridges;
        if (!hasTable) this.applied = undefined;
      }
      await this.applyTable(network, this.compile(ruleSet));
    }
    const taken = await this.forwarder.update(ruleSet);
    return [...new Set([...taken, ...(await this.openNodePorts(ruleSet))])];
  }

  private async openNodePorts({ rules }: RuleSet): Promise<string[]> {
    const taken = await this.deps.nodePorts?.follow(
      rules.flatMap(({ nodePort: port, protocol, cluster }) =>
        port === undefined || protocol === 'sctp' || cluster.kind !== 'balance'
          ? []
          : [{ protocol, at: { ip: '0.0.0.0', port }, target: { ip: '127.0.0.1', port } }],
      ),
    );
    return (taken ?? []).map(({ port: { protocol, at } }) => `${protocol}/${at.port}`);
  }

  private compile(ruleSet: RuleSet): NftTable {
    const { cluster, clusterCidr, serviceCidr, gateway } = this.config;
    return compileNft(ruleSet, {
      table: nftTableName(cluster),
      clusterCidr,
      ...(serviceCidr === undefined ? {} : { serviceCidr }),
      ...(gateway === undefined ? {} : { gateway }),
      masqueradeMark: this.config.masqueradeMark ?? 0x4000,
      masqueradesPods: !this.filtersBridges,
    });
  }

  private async applyTable(network: HostNetwork, table: NftTable): Promise<void> {
    const script = this.applied === undefined ? renderNft(table) : renderNftChange(this.applied, table);
    if (script !== '') await network.apply(script);
    this.applied = table;
  }

  /** Wakes those whose request is answered. */
  private release(answered: number): void {
    const done = this.waiters.filter(({ request }) => request <= answered);
    this.waiters = this.waiters.filter(({ request }) => request > answered);
    for (const { resolve } of done) resolve();
  }
}
