import { type Pod, resources } from '#api';
import {
  type ControlledIndex,
  type ControllerDependencies,
  type EventRecorder,
  Expectations,
  type Informer,
  type ReconcileResult,
  type Reconciler,
  type Watches,
  adoptOrRelease,
  indexByController,
  isPodActive,
  isPodTerminating,
} from '#controller';
import { type DeepReadonly, controllerOf, formatKey, keyOf, parseKey } from '#machinery';
import { manageReplicas } from './manage-replicas';
import { type ReplicaKind, type ReplicaOwner } from './replica-kind';
import { replicaStatus, writeReplicaStatus } from './replica-status';

/** How often the cache is asked again whether it shows what was done; its events usually come first. */
const recheckMs = 1000;
/** A pass costs time in proportion to the set, and every pod asks for several: big sets are looked at at most this often. */
const bigSetIntervalMs = 50;
const bigSet = 20;

/** Keeps as many pods as `spec.replicas` asks for. */
export abstract class ReplicaReconciler<T extends ReplicaOwner> implements Reconciler {
  private readonly expectations: Expectations;
  private readonly recorder: EventRecorder;
  private readonly lastPassAt = new Map<string, number>();
  private owners!: Informer<T>;
  private pods!: Informer<Pod>;
  private byController!: ControlledIndex<Pod>;

  constructor(
    private readonly kind: ReplicaKind<T>,
    private readonly deps: ControllerDependencies,
  ) {
    this.expectations = new Expectations(deps.clock);
    this.recorder = deps.recorder(kind.component);
  }

  watch(watches: Watches): void {
    const { resource } = this.kind;
    this.owners = watches.primary(resource);
    this.pods = watches.owned(resources.pods, resource);
    this.byController = indexByController(this.pods);
    // An orphan may be adopted by any set whose selector picks it; so may a pod that has just lost its controller.
    watches.mapped(resources.pods, (pod) => (controllerOf(pod) === undefined ? this.matchingOwners(pod) : []));
  }

  async reconcile(key: string): Promise<ReconcileResult | void> {
    const { namespace, name } = parseKey(key);
    const owner = this.owners.lister.get(namespace, name);
    if (owner === undefined) {
      this.expectations.forget(key);
      this.lastPassAt.delete(key);
      return;
    }
    const restMs = this.restBeforePass(key, owner);
    if (restMs > 0) return { requeueAfterMs: restMs };
    const uid = owner.metadata?.uid ?? '';
    const isCaughtUp = this.expectations.satisfied(key, this.cacheView(uid));
    const claimed = await this.claim(owner, uid, namespace);
    const active = claimed.filter(isPodActive);

    const outcome =
      isCaughtUp && owner.metadata?.deletionTimestamp === undefined
        ? await manageReplicas({
            kind: this.kind,
            deps: this.deps,
            recorder: this.recorder,
            expectations: this.expectations,
            key,
            owner,
            active,
            related: () => this.relatedPods(owner, namespace),
          })
        : {};

    const { status, recheckInMs } = replicaStatus({
      owner,
      active,
      terminating: this.kind.hasTerminatingReplicas ? claimed.filter(isPodTerminating).length : undefined,
      error: outcome.error,
      now: this.deps.clock.now(),
    });
    await writeReplicaStatus(this.deps.client, this.kind.resource, owner, status);
    if (outcome.error !== undefined) throw outcome.error;

    const waits = [isCaughtUp ? 0 : recheckMs, recheckInMs ?? 0].filter((wait) => wait > 0);
    return waits.length === 0 ? undefined : { requeueAfterMs: Math.min(...waits) };
  }

  private cacheView(uid: string) {
    let active: Set<string> | undefined;
    return {
      revision: this.pods.revision(),
      isGone: (pod: string): boolean => {
        active ??= new Set(
          this.byController
            .controlledBy(uid)
            .filter(isPodActive)
            .map(({ metadata }) => metadata?.uid ?? ''),
        );
        return !active.has(pod);
      },
    };
  }

  private claim(owner: DeepReadonly<T>, uid: string, namespace: string): Promise<DeepReadonly<Pod>[]> {
    const selector = this.kind.selector(owner);
    return adoptOrRelease<Pod, T>({
      client: this.deps.client,
      owner,
      ownerResource: this.kind.resource,
      resource: resources.pods,
      candidates: [
        ...this.byController.controlledBy(uid),
        // Ended pods are not worth adopting.
        ...this.byController.orphans(namespace).filter((pod) => isPodActive(pod) || isPodTerminating(pod)),
      ],
      matches: ({ metadata }) => selector.matches(metadata?.labels),
    });
  }

  /** Pods of all sets that have the same controller: the spread over nodes counts for all revisions of a Deployment. */
  private relatedPods(owner: DeepReadonly<T>, namespace: string): readonly DeepReadonly<Pod>[] {
    const controller = controllerOf(owner)?.uid;
    const siblings =
      controller === undefined
        ? [owner]
        : this.owners.lister.list(namespace).filter((other) => controllerOf(other)?.uid === controller);
    return siblings.flatMap(({ metadata }) => this.byController.controlledBy(metadata?.uid ?? ''));
  }

  private matchingOwners(pod: DeepReadonly<Pod>): string[] {
    const { namespace = '', labels } = pod.metadata ?? {};
    return this.owners.lister
      .list(namespace)
      .filter((owner) => this.kind.selector(owner).matches(labels))
      .map((owner) => formatKey(namespace, parseKey(keyOf(owner)).name));
  }

  /** Milliseconds to let pass first; none for a spec that is new. */
  private restBeforePass(key: string, owner: DeepReadonly<T>): number {
    const now = this.deps.clock.monotonic();
    const isNews = owner.status?.observedGeneration !== owner.metadata?.generation;
    const restMs = (this.lastPassAt.get(key) ?? -Infinity) + bigSetIntervalMs - now;
    if (restMs > 0 && !isNews && (owner.spec?.replicas ?? 1) > bigSet) return restMs;
    this.lastPassAt.set(key, now);
    return 0;
  }
}
