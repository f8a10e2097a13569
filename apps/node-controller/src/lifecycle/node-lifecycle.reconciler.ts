import { type Lease, type Node, type Pod, resources } from '#api';
import { type ObjectClient } from '#client';
import {
  type ControllerDependencies,
  deepEqualSemantic,
  type EventRecorder,
  type Informer,
  InjectConfig,
  InjectDependencies,
  type Lister,
  type ReconcileResult,
  Reconciler,
  type Watches,
} from '#controller';
import { type DeepReadonly, formatTime, hasReason } from '#machinery';
import { type NodeControllerConfig } from '../config';
import { AwakeClock } from './awake-clock';
import { desiredTaints } from './taints';
import { unknownConditions } from './unknown-conditions';

const LEASES = 'kube-node-lease';
const DEFAULT_GRACE_MS = 50_000;
const NODE = 'node-lifecycle/node';

/**
 * Watches over nodes: one that has been silent for the grace period becomes `Unknown`; conditions become taints; pods of a node
 * that is not ready are not ready either, so that they leave the endpoints.
 *
 * Silence is measured on this process's monotonic clock from when a sign of life *arrived*: the nodes' clocks do not matter. Time in
 * which this process did not run, or did not lead for want of an API, counts for nothing: it heard nobody, so nobody was silent.
 */
@Reconciler({ name: 'node_lifecycle_controller' })
export class NodeLifecycleReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private readonly recorder: EventRecorder;
  private readonly graceMs: number;
  private nodes!: Lister<Node>;
  private pods!: Informer<Pod>;
  private readonly lastSeen = new Map<string, number>();
  private readonly awake: AwakeClock;

  constructor(
    @InjectDependencies() private readonly dependencies: ControllerDependencies,
    @InjectConfig() config: NodeControllerConfig,
  ) {
    this.client = config.clientAs('node-controller');
    this.recorder = dependencies.recorder('node-controller');
    this.awake = new AwakeClock(dependencies.clock);
    this.graceMs = config.gracePeriodMs ?? DEFAULT_GRACE_MS;
  }

  watch(watches: Watches): void {
    this.nodes = watches.mapped(
      resources.nodes,
      (node, old) => {
        const name = node.metadata?.name ?? '';
        if (old === undefined || heartbeat(node) !== heartbeat(old)) this.sawLife(name);
        return [name];
      },
      (node, old) => heartbeat(node) !== heartbeat(old) || !deepEqualSemantic(verdicts(node), verdicts(old)),
    ).lister;
    watches.mapped(
      resources.leases,
      ({ metadata }) => {
        if (metadata?.namespace !== LEASES) return [];
        const name = metadata.name ?? '';
        const silentFor = this.silence(name);
        this.sawLife(name);
        // A lease that is renewed in time tells nothing new.
        return silentFor >= this.graceMs ? [name] : [];
      },
      (lease, old) => renewal(lease) !== renewal(old),
    );
    this.pods = watches.mapped(resources.pods, () => []);
    this.pods.addIndex(NODE, (pod) => [pod.spec?.nodeName ?? '']);
  }

  lead(signal: AbortSignal): void {
    this.awake.run(signal);
    this.lastSeen.clear();
  }

  async reconcile(name: string): Promise<ReconcileResult | void> {
    const node = this.nodes.get('', name);
    if (node === undefined) {
      this.lastSeen.delete(name);
      return;
    }
    if (!this.lastSeen.has(name)) this.sawLife(name);
    const silentFor = this.silence(name);
    const now = formatTime(this.dependencies.clock.now());
    if (silentFor >= this.graceMs) {
      const conditions = unknownConditions(node, now);
      // Writing them comes back as an update of the node, and the taints follow.
      if (conditions !== undefined) return this.markUnknown(node, conditions);
    }
    const taints = desiredTaints(node, now);
    if (taints !== undefined) await this.setTaints(node, taints);
    if (!isReady(node)) await this.markPodsNotReady(node);
    if (silentFor < this.graceMs) return { requeueAfterMs: this.graceMs - silentFor };
  }

  private sawLife(name: string): void {
    this.lastSeen.set(name, this.awake.now());
  }

  private silence(name: string): number {
    const seen = this.lastSeen.get(name);
    return seen === undefined ? 0 : this.awake.now() - seen;
  }

  private async markUnknown(node: DeepReadonly<Node>, conditions: object[]): Promise<void> {
    const name = node.metadata?.name ?? '';
    const wasReady = isReady(node);
    const patch = { metadata: { uid: node.metadata?.uid }, status: { conditions } };
    await this.client.patch(resources.nodes, { namespace: '', name }, 'strategic', patch, { subresource: 'status' });
    if (wasReady) this.recorder.event(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
  }

  private async setTaints(node: DeepReadonly<Node>, taints: object[]): Promise<void> {
    const { name = '', resourceVersion } = node.metadata ?? {};
    await this.client.patch(resources.nodes, { namespace: '', name }, 'merge', {
      metadata: { resourceVersion },
      spec: { taints },
    });
  }

  private async markPodsNotReady(node: DeepReadonly<Node>): Promise<void> {
    for (const pod of this.pods.lister.byIndex(NODE, node.metadata?.name ?? '')) {
      const ready = pod.status?.conditions?.find((condition) => condition.type === 'Ready');
      if (ready?.status !== 'True') continue;
      const condition = { ...ready, status: 'False', lastTransitionTime: formatTime(this.dependencies.clock.now()) };
      const key = { namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' };
      const patch = { metadata: { uid: pod.metadata?.uid }, status: { conditions: [condition] } };
      try {
        await this.client.patch(resources.pods, key, 'strategic', patch, { subresource: 'status' });
        this.recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error;
      }
    }
  }
}

function isReady(node: DeepReadonly<Node>): boolean {
  return node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status === 'True';
}

function heartbeat(node: DeepReadonly<Node>): string | undefined {
  return node.status?.conditions?.find((condition) => condition.type === 'Ready')?.lastHeartbeatTime;
}

/** What of a node matters here, besides its signs of life. */
function verdicts(node: DeepReadonly<Node>): unknown {
  const conditions = node.status?.conditions?.map(({ type, status }) => [type, status]);
  return [conditions, node.spec?.taints, node.spec?.unschedulable];
}

function renewal(lease: DeepReadonly<Lease>): string | undefined {
  return lease.spec?.renewTime;
}
