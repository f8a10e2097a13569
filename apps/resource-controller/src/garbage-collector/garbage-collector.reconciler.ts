import { type ResourceDefinition } from '#api';
import { type DeleteOptions, type ObjectClient } from '#client';
import { type ControllerDependencies, InjectConfig, InjectDependencies, Reconciler, type Watches } from '#controller';
import { type DeepReadonly, hasReason, type KubernetesObject, type ObjectKey, type OwnerReference } from '#machinery';
import { type ResourceControllerConfig } from '../identities';
import { nodeKey, type ObjectNode, ObjectGraph, ownerResource } from './object-graph';

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

type Reference = DeepReadonly<OwnerReference>;

interface Owners {
  /** Exist and stay. */
  readonly solid: Reference[];
  /** Do not exist (any more). */
  readonly dangling: Reference[];
  /** Wait, in foreground deletion, for their dependents. */
  readonly waiting: Reference[];
}

/**
 * Deletes what has lost its last owner, and carries out foreground deletion and orphaning, which upstream's finalizers of those names ask for. Keys
 * are `resource.group|namespace|name`.
 *
 * Caches of different kinds are not in step: an owner that is not in the cache is looked up in the API before anything is deleted.
 */
@Reconciler({ name: 'garbage_collector', workers: 20 })
export class GarbageCollectorReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private readonly graph = new ObjectGraph();
  private requeue: (key: string) => void = () => undefined;

  constructor(
    @InjectDependencies() _dependencies: ControllerDependencies,
    @InjectConfig() config: ResourceControllerConfig,
  ) {
    this.client = config.clientAs('generic-garbage-collector');
  }

  watch(watches: Watches): void {
    this.graph.watch(watches);
    this.requeue = (key) => watches.queue.add(key);
  }

  async reconcile(key: string): Promise<void> {
    const node = this.graph.find(key);
    if (node === undefined) return;
    const { metadata } = node.object;
    if (metadata?.deletionTimestamp !== undefined) {
      if (metadata.finalizers?.includes(ORPHAN)) return this.orphanDependents(node);
      if (metadata.finalizers?.includes(FOREGROUND)) return this.awaitDependents(node);
      return;
    }
    await this.collect(node);
  }

  private async collect(node: ObjectNode): Promise<void> {
    const references = node.object.metadata?.ownerReferences ?? [];
    if (references.length === 0) return;
    const owners = await this.classify(node, references);
    const lost = [...owners.dangling, ...owners.waiting];
    if (owners.solid.length > 0) {
      if (lost.length > 0)
        await this.dropReferences(
          node,
          lost.map(({ uid }) => uid),
        );
      return;
    }
    if (lost.length < references.length) return;
    const uid = node.object.metadata?.uid ?? '';
    const blocksOwner = owners.waiting.length > 0 && this.graph.dependentsOf(uid).length > 0;
    await this.remove(node, blocksOwner ? 'Foreground' : policyOf(node.object));
  }

  /** Deletes the dependents that hold up the owner, and lets the owner go when there are none left. */
  private async awaitDependents(owner: ObjectNode): Promise<void> {
    const uid = owner.object.metadata?.uid ?? '';
    const dependents = this.graph.dependentsOf(uid);
    for (const dependent of dependents) {
      if (dependent.object.metadata?.deletionTimestamp === undefined) this.requeue(nodeKey(dependent));
    }
    const isBlocked = dependents.some(({ object }) =>
      object.metadata?.ownerReferences?.some(
        (reference) => reference.uid === uid && reference.blockOwnerDeletion === true,
      ),
    );
    if (!isBlocked) await this.removeFinalizer(owner, FOREGROUND);
  }

  private async orphanDependents(owner: ObjectNode): Promise<void> {
    const uid = owner.object.metadata?.uid ?? '';
    await Promise.all(this.graph.dependentsOf(uid).map((dependent) => this.dropReferences(dependent, [uid])));
    await this.removeFinalizer(owner, ORPHAN);
  }

  private async classify(node: ObjectNode, references: readonly Reference[]): Promise<Owners> {
    const owners: Owners = { solid: [], dangling: [], waiting: [] };
    for (const reference of references) {
      const owner = this.graph.findByUid(reference.uid)?.object ?? (await this.lookUp(reference, node));
      if (owner === 'unknown') owners.solid.push(reference);
      else if (owner === undefined) owners.dangling.push(reference);
      else if (isWaiting(owner) && reference.blockOwnerDeletion === true) owners.waiting.push(reference);
      else owners.solid.push(reference);
    }
    return owners;
  }

  /** The owner as the API has it: undefined if it is not there, `unknown` for a kind that this server does not serve. */
  private async lookUp(
    reference: Reference,
    node: ObjectNode,
  ): Promise<DeepReadonly<KubernetesObject> | undefined | 'unknown'> {
    const resource = ownerResource(reference);
    if (resource === undefined) return 'unknown';
    const namespace = resource.namespaced ? (node.object.metadata?.namespace ?? '') : '';
    try {
      const owner = await this.client.get<KubernetesObject>(resource, { namespace, name: reference.name });
      return owner.metadata?.uid === reference.uid ? owner : undefined;
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  private async remove(
    { resource, object }: ObjectNode,
    propagationPolicy: DeleteOptions['propagationPolicy'],
  ): Promise<void> {
    const { uid, resourceVersion } = object.metadata ?? {};
    await ignoreGone(
      // The resourceVersion too: references may have changed since they were looked at.
      this.client.delete<KubernetesObject>(resource, keyOfNode(object), {
        propagationPolicy,
        preconditions: { uid, resourceVersion },
      }),
    );
  }

  private dropReferences({ resource, object }: ObjectNode, uids: readonly string[]): Promise<void> {
    const { uid, resourceVersion } = object.metadata ?? {};
    const ownerReferences = object.metadata?.ownerReferences?.filter((reference) => !uids.includes(reference.uid));
    return this.patchMetadata(resource, object, { uid, resourceVersion, ownerReferences });
  }

  private removeFinalizer({ resource, object }: ObjectNode, finalizer: string): Promise<void> {
    const { uid, resourceVersion } = object.metadata ?? {};
    const finalizers = object.metadata?.finalizers?.filter((name) => name !== finalizer);
    return this.patchMetadata(resource, object, { uid, resourceVersion, finalizers });
  }

  private patchMetadata(
    resource: ResourceDefinition,
    object: DeepReadonly<KubernetesObject>,
    metadata: object,
  ): Promise<void> {
    return ignoreGone(this.client.patch<KubernetesObject>(resource, keyOfNode(object), 'merge', { metadata }));
  }
}

function isWaiting(owner: DeepReadonly<KubernetesObject>): boolean {
  return owner.metadata?.deletionTimestamp !== undefined && (owner.metadata.finalizers?.includes(FOREGROUND) ?? false);
}

/** What the object's own finalizers ask for. */
function policyOf(object: DeepReadonly<KubernetesObject>): DeleteOptions['propagationPolicy'] {
  if (object.metadata?.finalizers?.includes(ORPHAN)) return 'Orphan';
  return object.metadata?.finalizers?.includes(FOREGROUND) ? 'Foreground' : 'Background';
}

function keyOfNode(object: DeepReadonly<KubernetesObject>): ObjectKey {
  return { namespace: object.metadata?.namespace ?? '', name: object.metadata?.name ?? '' };
}

/** Somebody else was quicker: that is as good. Conflicts are retried by the queue. */
async function ignoreGone(action: Promise<unknown>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
  }
}
