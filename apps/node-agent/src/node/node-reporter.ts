import { type Node, resources } from '#api';
import { deepEqualSemantic } from '#controller';
import { type DeepReadonly, hasReason, type Timer } from '#machinery';
import { type ImageStatus } from '#runtime';
import { type NodeAgentConfig } from '../config';
import { type NodeAgentDependencies } from '../dependencies';
import { NodeLease } from './lease';
import { type HostInfo } from './node-info';
import { computeNodeStatus, nodeLabels, type RuntimeHealth } from './node-status';

type Dependencies = Pick<NodeAgentDependencies, 'client' | 'clock' | 'random' | 'logger' | 'runtime'>;

interface NodeReporterOptions {
  readonly config: NodeAgentConfig;
  readonly dependencies: Dependencies;
  readonly host: HostInfo;
  readonly port: number;
  /** The node as the API has it, as far as that is known: others write it as well. */
  readonly latest: (than: DeepReadonly<Node>) => DeepReadonly<Node>;
  readonly event: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

const retryMs = 500;

/**
 * Registers the node and keeps its status and lease current: one beat renews the lease and looks at the runtime; the status is written when something
 * changed, by us or by others, and every five minutes.
 */
export class NodeReporter {
  private readonly lease: NodeLease;
  private timer: Timer | undefined;
  private node: DeepReadonly<Node> | undefined;
  private reportedAt = -Infinity;
  private isReady: boolean | undefined;
  private beating: Promise<void> | undefined;
  private isStopped = false;
  private failures = 0;

  constructor(private readonly options: NodeReporterOptions) {
    const { client, clock } = options.dependencies;
    this.lease = new NodeLease(client, clock, options.config.nodeName);
  }

  /** Resolves when the node is registered, or the first attempt has failed; it goes on by itself. */
  async start(): Promise<void> {
    this.options.event('Normal', 'Starting', 'Starting kubelet.');
    await this.beat();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.timer?.cancel();
    await this.beating;
  }

  private beat(): Promise<void> {
    const { clock, random, logger } = this.options.dependencies;
    this.beating = this.report()
      .then(
        () => (this.failures = 0),
        (error: unknown) => {
          this.failures++;
          logger.warn({ err: error }, 'node not reported');
        },
      )
      .then(() => {
        if (this.isStopped) return;
        const period = this.options.config.leaseRenewMs ?? 10_000;
        const delayMs = this.failures === 0 ? period : Math.min(period, retryMs * 2 ** Math.min(this.failures, 10));
        this.timer = clock.setTimer(delayMs * (0.9 + random() / 5), () => void this.beat());
      });
    return this.beating;
  }

  private async report(): Promise<void> {
    const health = await this.runtimeHealth();
    // After a silence the node controller has written that nothing is known of us.
    this.node = this.node === undefined ? await this.register(health) : this.options.latest(this.node);
    await Promise.all([this.lease.renew(this.node.metadata?.uid), this.writeStatus(this.node, health)]);
  }

  private async runtimeHealth(): Promise<RuntimeHealth> {
    try {
      return { info: await this.options.dependencies.runtime.info() };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }

  private async register(health: RuntimeHealth): Promise<DeepReadonly<Node>> {
    const { config, dependencies } = this.options;
    const labels = nodeLabels(config);
    const node: Node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: config.nodeName,
        labels,
        annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
      },
      spec: config.taints === undefined ? {} : { taints: config.taints.map((taint) => ({ ...taint })) },
      status: this.compute(health, await this.images(health), undefined),
    };
    try {
      return await dependencies.client.create(resources.nodes, node);
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
    }
    const key = { namespace: '', name: config.nodeName };
    const known = await dependencies.client.get(resources.nodes, key);
    const isLabelled = Object.entries(labels).every(([name, value]) => known.metadata?.labels?.[name] === value);
    if (isLabelled) return known;
    return dependencies.client.patch(resources.nodes, key, 'strategic', { metadata: { labels } });
  }

  private async writeStatus(node: DeepReadonly<Node>, health: RuntimeHealth): Promise<void> {
    const { config, dependencies } = this.options;
    const { clock, client } = dependencies;
    this.announce(health.error);
    const isDue = clock.monotonic() - this.reportedAt >= (config.statusReportMs ?? 300_000);
    // The list of images is news only when the status is written anyway.
    const known = node.status?.images;
    const light = this.compute(health, [], node);
    const isSame = deepEqualSemantic(comparable({ ...light, images: [] }), comparable({ ...node.status, images: [] }));
    if (isSame && !isDue) return;
    const status = this.compute(health, await this.images(health), node);
    const patch = { status: { ...status, ...(health.error === undefined ? {} : { images: known }) } };
    try {
      this.node = await client.patch(resources.nodes, { namespace: '', name: config.nodeName }, 'strategic', patch, {
        subresource: 'status',
      });
      this.reportedAt = clock.monotonic();
    } catch (error) {
      // Deleted behind our back: the next beat registers anew.
      if (hasReason(error, 'NotFound')) this.node = undefined;
      throw error;
    }
  }

  private announce(error: string | undefined): void {
    const isReady = error === undefined;
    if (this.isReady === isReady) return;
    this.isReady = isReady;
    const state = isReady ? 'NodeReady' : 'NodeNotReady';
    this.options.event('Normal', state, `Node ${this.options.config.nodeName} status is now: ${state}`);
  }

  private compute(health: RuntimeHealth, images: readonly ImageStatus[], previous: DeepReadonly<Node> | undefined) {
    const { config, host, port, dependencies } = this.options;
    return computeNodeStatus({ config, host, health, images, port, now: dependencies.clock.now(), previous });
  }

  private async images({ error }: RuntimeHealth): Promise<readonly ImageStatus[]> {
    return error === undefined ? this.options.dependencies.runtime.listImages() : [];
  }
}

/** Without what changes with every beat, and with lists by their keys. */
function comparable(status: DeepReadonly<Node['status']>): object {
  const own = new Set(['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready']);
  const { conditions = [], addresses = [], ...rest } = status ?? {};
  return {
    ...rest,
    addresses: Object.fromEntries(addresses.map(({ type, address }) => [type, address])),
    conditions: Object.fromEntries(
      conditions
        .filter(({ type }) => own.has(type))
        .map(({ type, status: value, reason, message }) => [type, [value, reason, message]]),
    ),
  };
}
