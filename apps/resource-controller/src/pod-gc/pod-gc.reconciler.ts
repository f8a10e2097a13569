import { type Node, type Pod, type PodCondition, resources } from '#api';
import { type ObjectClient } from '#client';
import {
  type ControllerDependencies,
  InjectConfig,
  InjectDependencies,
  type Informer,
  type Lister,
  type ReconcileResult,
  Reconciler,
  type Watches,
} from '#controller';
import { type DeepReadonly, formatTime, hasReason, parseKey } from '#machinery';
import { type ResourceControllerConfig } from '../identities';

/** A node must be missing for this long before its pods are: it may be only that the cache is behind. */
const QUARANTINE_MS = 40_000;
const DEFAULT_THRESHOLD = 12_500;
const NODE = 'pod-gc/node';
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

/** Removes pods that nobody else will: of nodes that are gone or out of service, terminating without a node, and surplus finished ones. */
@Reconciler({ name: 'podgc' })
export class PodGcReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private readonly threshold: number;
  private pods!: Informer<Pod>;
  private nodes!: Lister<Node>;
  /** Monotonic time since which a node with pods has been missing. */
  private readonly missingSince = new Map<string, number>();

  constructor(
    @InjectDependencies() private readonly dependencies: ControllerDependencies,
    @InjectConfig() config: ResourceControllerConfig,
  ) {
    this.client = config.clientAs('pod-garbage-collector');
    this.threshold = config.terminatedPodThreshold ?? DEFAULT_THRESHOLD;
  }

  watch(watches: Watches): void {
    this.pods = watches.primary(
      resources.pods,
      (pod, old) => isTerminated(pod) !== isTerminated(old) || isTerminating(pod),
    );
    this.pods.addIndex(NODE, (pod) => [pod.spec?.nodeName ?? '']);
    this.nodes = watches.mapped(
      resources.nodes,
      (node) =>
        this.pods.lister
          .byIndex(NODE, node.metadata?.name ?? '')
          .map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`),
      (node, old) => isOutOfService(node) !== isOutOfService(old),
    ).lister;
  }

  /** A node that was missing in an earlier term may have been back since. */
  lead(): void {
    this.missingSince.clear();
  }

  async reconcile(key: string): Promise<ReconcileResult | void> {
    const { namespace, name } = parseKey(key);
    const pod = this.pods.lister.get(namespace, name);
    if (pod === undefined) return;
    const nodeName = pod.spec?.nodeName ?? '';
    if (nodeName === '') {
      if (isTerminating(pod)) await this.remove(pod, 'PodGC: unscheduled pod is terminating');
      return;
    }
    const node = this.nodes.get('', nodeName);
    if (node === undefined) return this.handleOrphan(pod, nodeName);
    this.missingSince.delete(nodeName);
    if (isTerminating(pod) && isOutOfService(node)) await this.remove(pod, 'PodGC: node out of service');
    if (isTerminated(pod)) await this.removeSurplus();
  }

  private async handleOrphan(pod: DeepReadonly<Pod>, nodeName: string): Promise<ReconcileResult | void> {
    const now = this.dependencies.clock.monotonic();
    const since = this.missingSince.get(nodeName) ?? now;
    this.missingSince.set(nodeName, since);
    const left = since + QUARANTINE_MS - now;
    if (left > 0) return { requeueAfterMs: left };
    try {
      await this.client.get(resources.nodes, { namespace: '', name: nodeName });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      await this.remove(pod, 'PodGC: node no longer exists');
    }
  }

  /** Beyond the threshold the oldest finished pods go. */
  private async removeSurplus(): Promise<void> {
    const finished = this.pods.lister.list().filter((pod) => isTerminated(pod) && !isTerminating(pod));
    if (finished.length <= this.threshold) return;
    const oldestFirst = [...finished].sort((a, b) => compareAge(a, b));
    for (const pod of oldestFirst.slice(0, finished.length - this.threshold)) await this.remove(pod);
  }

  /** Marks a pod that has not ended as failed, so that its owner replaces it, and deletes it without grace. */
  private async remove(pod: DeepReadonly<Pod>, message?: string): Promise<void> {
    const key = { namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' };
    try {
      if (message !== undefined && !isTerminated(pod)) {
        const condition: PodCondition = {
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'DeletionByPodGC',
          message,
          observedGeneration: pod.metadata?.generation,
          lastTransitionTime: formatTime(this.dependencies.clock.now()),
        };
        const patch = { metadata: { uid: pod.metadata?.uid }, status: { phase: 'Failed', conditions: [condition] } };
        await this.client.patch(resources.pods, key, 'strategic', patch, { subresource: 'status' });
      }
      await this.client.delete(resources.pods, key, {
        gracePeriodSeconds: 0,
        preconditions: { uid: pod.metadata?.uid },
      });
    } catch (error) {
      if (!hasReason(error, 'NotFound', 'Conflict')) throw error;
    }
  }
}

function isTerminated(pod: DeepReadonly<Pod>): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function isTerminating(pod: DeepReadonly<Pod>): boolean {
  return pod.metadata?.deletionTimestamp !== undefined;
}

/** Put there by an administrator who knows that the node is shut down (KEP-2268). */
function isOutOfService(node: DeepReadonly<Node>): boolean {
  return node.spec?.taints?.some((taint) => taint.key === OUT_OF_SERVICE) ?? false;
}

function compareAge(a: DeepReadonly<Pod>, b: DeepReadonly<Pod>): number {
  const [left, right] = [a.metadata?.creationTimestamp ?? '', b.metadata?.creationTimestamp ?? ''];
  if (left !== right) return left < right ? -1 : 1;
  return (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1;
}
