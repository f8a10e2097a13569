import { type Binding, type Node, type Pod, type PodCondition, resources } from '#api';
import { type ControllerDependencies, deepEqualSemantic, type EventRecorder, type Informer } from '#controller';
import { type DeepReadonly, formatTime, hasReason, keyOf, parseKey } from '#machinery';
import { ClusterCache } from './cluster-cache';
import { type DefaultSelectors } from './default-selectors';
import { type Snapshot, type Volumes } from './framework';
import { type SchedulerMetrics } from './metrics';
import { hasSameDemands, podInfo, type PodInfo } from './pod-info';
import { schedulePod, type Rotation } from './schedule-pod';
import { type QueuedPod, SchedulingQueue } from './scheduling-queue';

/** How long one slice of scheduling may hold the event loop. */
const SLICE_MS = 5;
/** Bindings under way at once; scheduling pauses at the limit. */
const MAX_BINDINGS = 256;

/** Finds a node for each pod that has none and names this scheduler. One pod at a time; bindings run concurrently. */
export class Scheduler {
  /** Made anew for every term: pods that were assumed in an earlier one, and what was deleted since, have no place in it. */
  private cache = new ClusterCache();
  private readonly queue: SchedulingQueue;
  private readonly rotation: Rotation = { start: 0 };
  private readonly recorder: EventRecorder;
  private readonly volumes: Volumes;
  private readonly bindings = new Set<Promise<void>>();
  private readonly cleanups: (() => void)[] = [];
  private isPumping = false;
  private isActive = false;

  constructor(
    private readonly schedulerName: string,
    private readonly deps: ControllerDependencies,
    private readonly metrics: SchedulerMetrics,
    private readonly selectors: DefaultSelectors,
  ) {
    this.queue = new SchedulingQueue(deps.clock, () => this.pump());
    this.recorder = deps.recorder(schedulerName);
    const claims = deps.informers.informer(resources.persistentVolumeClaims);
    const classes = deps.informers.informer(resources.storageClasses);
    this.volumes = {
      claim: (namespace, name) => claims.lister.get(namespace, name),
      bindingMode: (name) => classes.lister.get('', name)?.volumeBindingMode,
    };
    metrics.observeQueue(() => this.queue.counts());
  }

  /**
   * Schedules until the signal aborts; then waits for the bindings under way. May be called again.
   * @param since what the caches have to show first, lest room be given away that an earlier leader has given away
   */
  async run(signal: AbortSignal, since = 0): Promise<void> {
    const { informers } = this.deps;
    const pods = informers.informer(resources.pods);
    const nodes = informers.informer(resources.nodes);
    await informers.synced(since);
    if (signal.aborted) return;
    this.cache = new ClusterCache();
    this.isActive = true;
    this.watchNodes(nodes);
    this.watchPods(pods);
    this.watchStorage();
    this.pump();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    this.isActive = false;
    for (const cleanup of this.cleanups.splice(0)) cleanup();
    this.queue.stop();
    await Promise.allSettled(this.bindings);
  }

  private watchNodes(nodes: Informer<Node>): void {
    this.cleanups.push(
      nodes.addHandler({
        onAdd: (node) => {
          this.cache.setNode(node);
          this.queue.clusterChanged();
        },
        onUpdate: (node, old) => {
          this.cache.setNode(node);
          if (mayMakeRoom(node, old)) this.queue.clusterChanged();
        },
        onDelete: (node) => this.cache.removeNode(node.metadata?.name ?? ''),
      }),
    );
  }

  private watchPods(pods: Informer<Pod>): void {
    this.cleanups.push(
      pods.addHandler({
        onAdd: (pod) => this.observe(pod),
        onUpdate: (pod, old) => this.observe(pod, old),
        onDelete: (pod) => {
          const uid = pod.metadata?.uid ?? '';
          this.queue.remove(uid);
          if (!this.cache.isPlaced(uid)) return;
          this.cache.removePod(uid);
          this.queue.clusterChanged();
        },
      }),
    );
  }

  /** A claim that appears or is bound lets pods go on. */
  private watchStorage(): void {
    const { informers } = this.deps;
    const onChange = (): void => this.queue.clusterChanged();
    const handler = { onAdd: onChange, onUpdate: onChange };
    this.cleanups.push(
      informers.informer(resources.persistentVolumeClaims).addHandler(handler),
      informers.informer(resources.storageClasses).addHandler(handler),
    );
  }

  private observe(pod: DeepReadonly<Pod>, old?: DeepReadonly<Pod>): void {
    const uid = pod.metadata?.uid ?? '';
    if (isTerminal(pod)) {
      this.queue.remove(uid);
      if (!this.cache.isPlaced(uid)) return;
      this.cache.removePod(uid);
      this.queue.clusterChanged();
    } else if (pod.spec?.nodeName) {
      this.queue.remove(uid);
      const isKnown = this.cache.isPlaced(uid);
      if (isKnown && old !== undefined && old.spec?.nodeName !== undefined && hasSameDemands(old, pod)) return;
      const isNews = !isKnown || (old !== undefined && !deepEqualSemantic(old.metadata?.labels, pod.metadata?.labels));
      this.cache.setPod(pod);
      // A pod's arrival can satisfy the affinity of one that waits.
      if (isNews) this.queue.clusterChanged();
    } else if ((pod.spec?.schedulerName ?? 'default-scheduler') === this.schedulerName) {
      if (pod.metadata?.deletionTimestamp !== undefined) return this.queue.remove(uid);
      this.queue.add(podInfo(pod));
    }
  }

  /** Schedules in slices, so that watches and bindings get their turn. */
  private pump(): void {
    if (this.isPumping || !this.isActive) return;
    this.isPumping = true;
    setImmediate(() => {
      this.isPumping = false;
      if (!this.isActive) return;
      const end = this.deps.clock.monotonic() + SLICE_MS;
      while (this.bindings.size < MAX_BINDINGS) {
        const queued = this.queue.pop();
        if (queued === undefined) return;
        this.scheduleOne(queued);
        if (this.deps.clock.monotonic() >= end) break;
      }
      // At the limit of bindings the next one that ends pumps again.
      if (this.bindings.size < MAX_BINDINGS) this.pump();
    });
  }

  private scheduleOne(queued: QueuedPod & { readonly change: number }): void {
    const { info } = queued;
    if (this.cache.isPlaced(info.uid)) return this.queue.done(info.uid);
    const stop = this.metrics.attempt();
    const decision = schedulePod(info, this.snapshot(), this.deps.random, this.rotation);
    if ('node' in decision) {
      this.cache.assume(info, decision.node);
      this.track(this.bind(info, decision.node, stop));
      return;
    }
    stop('unschedulable');
    this.queue.park(info.uid, queued.change);
    this.recorder.event(info.pod, 'Warning', 'FailedScheduling', decision.message);
    this.track(this.reportUnschedulable(info, decision.message));
  }

  private snapshot(): Snapshot {
    return this.cache.snapshot({
      namespaceLabels: (namespace) => this.selectors.namespaceLabels(namespace),
      selectorsOf: (pod) => this.selectors.of(pod),
      volumes: this.volumes,
    });
  }

  private track(work: Promise<void>): void {
    const tracked = work.finally(() => {
      this.bindings.delete(tracked);
      this.pump();
    });
    this.bindings.add(tracked);
  }

  private async bind(info: PodInfo, node: string, stop: (result: 'scheduled' | 'error') => void): Promise<void> {
    const { pod } = info;
    const binding: Binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: pod.metadata?.name ?? '', namespace: info.namespace, uid: info.uid },
      target: { kind: 'Node', name: node },
    };
    try {
      await this.deps.client.createSubresource(resources.pods, parseKey(keyOf(pod)), 'binding', binding);
      stop('scheduled');
      this.queue.done(info.uid);
      this.recorder.event(pod, 'Normal', 'Scheduled', `Successfully assigned ${keyOf(pod)} to ${node}`);
    } catch (error) {
      stop('error');
      this.cache.forget(info.uid);
      if (hasReason(error, 'NotFound')) return this.queue.remove(info.uid);
      this.deps.logger.warn({ err: error, pod: keyOf(pod), node }, 'binding failed');
      this.queue.retryLater(info.uid);
    }
  }

  private async reportUnschedulable({ pod }: PodInfo, message: string): Promise<void> {
    const current = pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled');
    if (current?.status === 'False' && current.reason === 'Unschedulable' && current.message === message) return;
    const condition: PodCondition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      observedGeneration: pod.metadata?.generation,
      lastTransitionTime: current?.status === 'False' ? current.lastTransitionTime : formatTime(this.deps.clock.now()),
    };
    const patch = { metadata: { uid: pod.metadata?.uid }, status: { conditions: [condition] } };
    try {
      await this.deps.client.patch(resources.pods, parseKey(keyOf(pod)), 'strategic', patch, { subresource: 'status' });
    } catch (error) {
      if (!hasReason(error, 'NotFound', 'Conflict'))
        this.deps.logger.warn({ err: error, pod: keyOf(pod) }, 'cannot report');
    }
  }
}

function isTerminal(pod: DeepReadonly<Pod>): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Heartbeats are not news: only what filters look at is. */
function mayMakeRoom(node: DeepReadonly<Node>, old: DeepReadonly<Node>): boolean {
  const relevant = (n: DeepReadonly<Node>): string =>
    JSON.stringify([n.metadata?.labels, n.spec?.taints, n.spec?.unschedulable, n.status?.allocatable]);
  return relevant(node) !== relevant(old);
}
