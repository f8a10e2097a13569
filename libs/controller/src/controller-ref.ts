import { type Resource, formatGroupVersion } from '#api';
import { type ObjectClient } from '#client';
import {
  type DeepReadonly,
  type KubernetesObject,
  type ObjectKey,
  type OwnerReference,
  controllerOf,
  hasReason,
} from '#machinery';

/** The controller reference that `owner` puts on what it makes. */
export function controllerReference(
  resource: Resource<KubernetesObject>,
  owner: DeepReadonly<KubernetesObject>,
): OwnerReference {
  return {
    apiVersion: formatGroupVersion(resource.group, resource.version),
    kind: resource.kind,
    name: owner.metadata?.name ?? '',
    uid: owner.metadata?.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

export interface ClaimOptions<T extends KubernetesObject, O extends KubernetesObject> {
  readonly client: ObjectClient;
  readonly owner: DeepReadonly<O>;
  readonly ownerResource: Resource<O>;
  readonly resource: Resource<T>;
  readonly candidates: readonly DeepReadonly<T>[];
  /** Whether the owner's selector picks the object. */
  readonly matches: (object: DeepReadonly<T>) => boolean;
}

/**
 * Upstream's ControllerRefManager: returns the candidates that belong to `owner`, adopting matching orphans and releasing
 * its own that no longer match. Before the first adoption the owner is read afresh, so that one that was deleted (or made
 * anew) under a stale cache adopts nothing. Rejects with the first error other than the object being gone.
 */
export async function adoptOrRelease<T extends KubernetesObject, O extends KubernetesObject>(
  options: ClaimOptions<T, O>,
): Promise<DeepReadonly<T>[]> {
  const { owner, candidates, matches } = options;
  const uid = owner.metadata?.uid;
  const isOwnerGoing = owner.metadata?.deletionTimestamp !== undefined;
  let canAdopt: Promise<void> | undefined;
  const claimed: DeepReadonly<T>[] = [];
  const writes: Promise<DeepReadonly<T> | undefined>[] = [];
  // Nearly all are its own and match: those cost nothing but the comparison.
  for (const object of candidates) {
    const controller = controllerOf(object);
    if (controller !== undefined) {
      if (controller.uid !== uid) continue;
      if (matches(object)) claimed.push(object);
      else if (!isOwnerGoing) writes.push(release(options, object));
    } else if (!isOwnerGoing && isAdoptable(object, owner) && matches(object)) {
      canAdopt ??= assertStillThere(options);
      writes.push(canAdopt.then(() => adopt(options, object)));
    }
  }
  for (const result of await Promise.allSettled(writes)) {
    if (result.status === 'rejected') throw result.reason;
    if (result.value !== undefined) claimed.push(result.value);
  }
  return claimed;
}

function isAdoptable(object: DeepReadonly<KubernetesObject>, owner: DeepReadonly<KubernetesObject>): boolean {
  return object.metadata?.deletionTimestamp === undefined && object.metadata?.namespace === owner.metadata?.namespace;
}

async function adopt<T extends KubernetesObject, O extends KubernetesObject>(
  { client, resource, ownerResource, owner }: ClaimOptions<T, O>,
  object: DeepReadonly<T>,
): Promise<DeepReadonly<T> | undefined> {
  const reference = controllerReference(ownerResource, owner);
  const patch = { metadata: { ownerReferences: [reference], uid: object.metadata?.uid } };
  try {
    return await client.patch(resource, keyOfObject(object), 'strategic', patch);
  } catch (error) {
    // Gone, or gone and made anew under the same name (the uid in the patch does not fit).
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

async function release<T extends KubernetesObject, O extends KubernetesObject>(
  { client, resource, owner }: ClaimOptions<T, O>,
  object: DeepReadonly<T>,
): Promise<undefined> {
  const patch = {
    metadata: { ownerReferences: [{ $patch: 'delete', uid: owner.metadata?.uid }], uid: object.metadata?.uid },
  };
  try {
    await client.patch(resource, keyOfObject(object), 'strategic', patch);
  } catch (error) {
    // Invalid: it has no such reference any more, or it is another object now.
    if (!hasReason(error, 'NotFound', 'Invalid')) throw error;
  }
  return undefined;
}

async function assertStillThere<T extends KubernetesObject, O extends KubernetesObject>({
  client,
  ownerResource,
  owner,
}: ClaimOptions<T, O>): Promise<void> {
  const fresh = await client.get(ownerResource, keyOfObject(owner));
  const name = `${owner.metadata?.namespace}/${owner.metadata?.name}`;
  if (fresh.metadata?.uid !== owner.metadata?.uid) {
    throw new Error(
      `original ${ownerResource.kind} ${name} is gone: got uid ${fresh.metadata?.uid}, wanted ${owner.metadata?.uid}`,
    );
  }
  if (fresh.metadata?.deletionTimestamp !== undefined) {
    throw new Error(`${name} has just been deleted at ${fresh.metadata.deletionTimestamp}`);
  }
}

function keyOfObject(object: DeepReadonly<KubernetesObject>): ObjectKey {
  return { namespace: object.metadata?.namespace ?? '', name: object.metadata?.name ?? '' };
}
