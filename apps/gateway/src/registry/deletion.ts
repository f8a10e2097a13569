import {
  type DeepReadonly,
  type FieldError,
  type KubernetesObject,
  type ObjectMeta,
  conflict,
  field,
  formatTime,
  invalid,
} from '#machinery';
import { type ResourceStrategy } from '../kinds/strategy';
import { type ServedResource } from './served-resource';

/** `meta/v1` DeleteOptions. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: readonly string[];
}

export function validateDeleteOptions(options: DeleteOptions): void {
  const errors: FieldError[] = [];
  const { propagationPolicy: policy, orphanDependents, dryRun = [] } = options;
  if (policy !== undefined && orphanDependents !== undefined) {
    errors.push(
      field.invalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'),
    );
  }
  if (policy !== undefined && !['Background', 'Foreground', 'Orphan'].includes(policy)) {
    errors.push(field.notSupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']));
  }
  if (!dryRun.every((value) => value === 'All')) errors.push(field.notSupported('dryRun', dryRun, ['All']));
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
}

/** @throws Conflict if the object is not the one that the client means. */
export function checkPreconditions(
  resource: ServedResource,
  object: DeepReadonly<KubernetesObject>,
  { preconditions }: DeleteOptions,
): void {
  const meta = object.metadata ?? {};
  const named = { group: resource.groupKind.group, resource: resource.groupKind.kind };
  if (preconditions?.uid !== undefined && preconditions.uid !== meta.uid) {
    throw conflict(
      named,
      meta.name ?? '',
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${meta.uid ?? ''}). The object might have been deleted and then recreated`,
    );
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== meta.resourceVersion) {
    throw conflict(
      named,
      meta.name ?? '',
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${meta.resourceVersion ?? ''}). The object might have been modified`,
    );
  }
}

/** What a delete request does to one state of an object. */
export type DeletionStep =
  /** Nothing: it is being deleted, and this request does not hasten it. */
  | { readonly type: 'pending' }
  /** The object is marked and stays for finalizers or grace. */
  | { readonly type: 'mark'; readonly metadata: ObjectMeta }
  /** Mark it without grace and then remove it. */
  | { readonly type: 'mark-and-remove'; readonly metadata: ObjectMeta }
  | { readonly type: 'remove' };

/**
 * Upstream's `BeforeDelete` and `updateForGracefulDeletionAndFinalizers` as one decision: deletion time and grace period,
 * garbage collection finalizers, or removal.
 */
export function planDeletion(
  strategy: ResourceStrategy,
  object: DeepReadonly<KubernetesObject>,
  options: DeleteOptions,
  nowMs: number,
): DeletionStep {
  const meta = object.metadata ?? {};
  const finalizers = gcFinalizers(strategy, meta, options);
  const changed = finalizers.join() !== (meta.finalizers ?? []).join();
  const graceful = gracefulMetadata(strategy, object, options, nowMs);
  if (graceful === 'pending') return { type: 'pending' };
  const held = finalizers.length > 0 || strategy.heldDeletion?.isHeld(object) === true;
  if (graceful !== undefined) {
    const metadata = withFinalizers(graceful, finalizers);
    return held || (graceful.deletionGracePeriodSeconds ?? 0) > 0
      ? { type: 'mark', metadata }
      : { type: 'mark-and-remove', metadata };
  }
  if (!held) return { type: 'remove' };
  if (meta.deletionTimestamp !== undefined && meta.deletionGracePeriodSeconds === 0 && !changed) {
    return { type: 'pending' };
  }
  return { type: 'mark', metadata: withFinalizers(markAsDeleting(meta, strategy, nowMs), finalizers) };
}

/** New metadata for a kind with graceful deletion; undefined if grace does not come into it. */
function gracefulMetadata(
  { gracefulDeletion }: ResourceStrategy,
  object: DeepReadonly<KubernetesObject>,
  options: DeleteOptions,
  nowMs: number,
): ObjectMeta | 'pending' | undefined {
  if (gracefulDeletion === undefined) return undefined;
  const meta = object.metadata as ObjectMeta;
  const requested =
    options.gracePeriodSeconds !== undefined && options.gracePeriodSeconds < 0 ? 1 : options.gracePeriodSeconds;
  if (meta.deletionTimestamp !== undefined) {
    const current = meta.deletionGracePeriodSeconds ?? 0;
    // Marked without grace and still there: what failed between marking and removal is made up for now.
    if (current === 0) return undefined;
    // Only a shorter grace period may be asked for.
    if (requested === undefined || requested >= current) return 'pending';
    const begun = Date.parse(meta.deletionTimestamp) - current * 1000;
    return {
      ...meta,
      deletionTimestamp: formatTime(begun + requested * 1000),
      deletionGracePeriodSeconds: requested,
    };
  }
  const seconds = gracefulDeletion.gracePeriodSeconds(object, requested);
  return {
    ...meta,
    deletionTimestamp: formatTime(nowMs + seconds * 1000),
    deletionGracePeriodSeconds: seconds,
    ...nextGeneration(meta),
  };
}

function markAsDeleting(meta: DeepReadonly<ObjectMeta>, strategy: ResourceStrategy, nowMs: number): ObjectMeta {
  const object = meta as ObjectMeta;
  return {
    ...object,
    ...(object.deletionTimestamp === undefined
      ? { deletionTimestamp: formatTime(nowMs), ...(strategy.heldDeletion ? {} : nextGeneration(object)) }
      : {}),
    // A namespace is not deleted by the update that empties its finalizers, but by a second request.
    ...(strategy.heldDeletion === undefined ? { deletionGracePeriodSeconds: 0 } : {}),
  };
}

/** Controllers look at the generation to see that they have something to do, so the start of deletion counts. */
function nextGeneration(meta: ObjectMeta): ObjectMeta {
  return (meta.generation ?? 0) > 0 ? { generation: (meta.generation ?? 0) + 1 } : {};
}

function withFinalizers(meta: ObjectMeta, finalizers: readonly string[]): ObjectMeta {
  const { finalizers: _old, ...rest } = meta;
  return finalizers.length === 0 ? rest : { ...rest, finalizers: [...finalizers] };
}

/** `deletionFinalizersForGarbageCollection`: the request's policy, else what the object has, else the kind's default. */
function gcFinalizers(
  strategy: ResourceStrategy,
  meta: DeepReadonly<ObjectMeta>,
  options: DeleteOptions,
): readonly string[] {
  const present = meta.finalizers ?? [];
  const policy = propagationOf(strategy, present, options);
  const others = present.filter((finalizer) => finalizer !== 'orphan' && finalizer !== 'foregroundDeletion');
  if (policy === 'orphan') return present.includes('orphan') ? present : [...others, 'orphan'];
  if (policy === 'foreground')
    return present.includes('foregroundDeletion') ? present : [...others, 'foregroundDeletion'];
  return others.length === present.length ? present : others;
}

function propagationOf(
  strategy: ResourceStrategy,
  present: readonly string[],
  options: DeleteOptions,
): 'orphan' | 'foreground' | 'background' {
  if (options.orphanDependents !== undefined) return options.orphanDependents ? 'orphan' : 'background';
  if (options.propagationPolicy !== undefined) {
    return options.propagationPolicy.toLowerCase() as 'orphan' | 'foreground' | 'background';
  }
  if (present.includes('orphan')) return 'orphan';
  if (present.includes('foregroundDeletion')) return 'foreground';
  return strategy.defaultPropagation ?? 'background';
}

/** `ShouldDeleteDuringUpdate`: an update that empties the finalizers of a terminating object removes it. */
export function isDeletedByUpdate(
  strategy: ResourceStrategy,
  object: DeepReadonly<KubernetesObject>,
  old: DeepReadonly<KubernetesObject>,
): boolean {
  if ((object.metadata?.finalizers ?? []).length > 0) return false;
  if (strategy.heldDeletion !== undefined) {
    // What is held has no grace period: it goes when it is let go.
    return old.metadata?.deletionTimestamp !== undefined && !strategy.heldDeletion.isHeld(object);
  }
  return old.metadata?.deletionGracePeriodSeconds === 0;
}
