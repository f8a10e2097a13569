import { type Node, type Pod, type PodCondition, resources, type Taint } from '#api';
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
import { type DeepReadonly, formatTime, hasReason, keyOf, parseKey } from '#machinery';
import { type NodeControllerConfig } from '../config';
import { toleranceSeconds } from './tolerance';

const NODE = 'taint-eviction/node';

/** Deletes pods from nodes whose `NoExecute` taints they do not tolerate (any longer). Keys are pods. */
@Reconciler({ name: 'taint_eviction' })
export class TaintEvictionReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private readonly recorder: EventRecorder;
  private pods!: Informer<Pod>;
  private nodes!: Lister<Node>;
  /** When a pod's tolerance began to run (monotonic), by key. */
  private readonly since = new Map<string, { readonly uid: string; readonly start: number }>();

  constructor(
    @InjectDependencies() private readonly dependencies: ControllerDependencies,
    @InjectConfig() config: NodeControllerConfig,
  ) {
    // Upstream's identity for it, too: there is no role of its own.
    this.client = config.clientAs('node-controller');
    this.recorder = dependencies.recorder('taint-eviction-controller');
  }

  watch(watches: Watches): void {
    this.pods = watches.mapped(
      resources.pods,
      (pod) => (pod.spec?.nodeName ? [keyOf(pod)] : []),
      (pod, old) =>
        pod.spec?.nodeName !== old.spec?.nodeName || !deepEqualSemantic(pod.spec?.tolerations, old.spec?.tolerations),
    );
    this.pods.addIndex(NODE, (pod) => [pod.spec?.nodeName ?? '']);
    this.nodes = watches.mapped(
      resources.nodes,
      (node) => this.pods.lister.byIndex(NODE, node.metadata?.name ?? '').map(keyOf),
      (node, old) => !deepEqualSemantic(noExecute(node), noExecute(old)),
    ).lister;
  }

  /** Tolerance that ran in an earlier term may have been interrupted since; upstream's manager counts from its start, too. */
  lead(): void {
    this.since.clear();
  }

  async reconcile(key: string): Promise<ReconcileResult | void> {
    const { namespace, name } = parseKey(key);
    const pod = this.pods.lister.get(namespace, name);
    if (pod === undefined || pod.metadata?.deletionTimestamp !== undefined) {
      this.since.delete(key);
      return;
    }
    const taints = noExecute(this.nodes.get('', pod.spec?.nodeName ?? ''));
    const seconds = taints.length === 0 ? Infinity : toleranceSeconds(taints, pod.spec?.tolerations ?? []);
    if (seconds === Infinity) {
      if (this.since.delete(key)) {
        this.recorder.event(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`);
      }
      return;
    }
    const leftMs = this.start(key, pod.metadata?.uid ?? '') + seconds * 1000 - this.dependencies.clock.monotonic();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    await this.evict(pod, key);
  }

  /** When this pod's tolerance began: now, if it has not. */
  private start(key: string, uid: string): number {
    const known = this.since.get(key);
    if (known?.uid === uid) return known.start;
    const start = this.dependencies.clock.monotonic();
    this.since.set(key, { uid, start });
    return start;
  }

  private async evict(pod: DeepReadonly<Pod>, key: string): Promise<void> {
    this.recorder.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
    const condition: PodCondition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
      observedGeneration: pod.metadata?.generation,
      lastTransitionTime: formatTime(this.dependencies.clock.now()),
    };
    const patch = { metadata: { uid: pod.metadata?.uid }, status: { conditions: [condition] } };
    try {
      await this.client.patch(resources.pods, parseKey(key), 'strategic', patch, { subresource: 'status' });
      await this.client.delete(resources.pods, parseKey(key), { preconditions: { uid: pod.metadata?.uid } });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }
}

function noExecute(node: DeepReadonly<Node> | undefined): readonly DeepReadonly<Taint>[] {
  return (node?.spec?.taints ?? []).filter((taint) => taint.effect === 'NoExecute');
}
