import {
  type DeepReadonly,
  type FieldSet,
  type KubernetesObject,
  type StructSchema,
  fieldSetOf,
  formatTime,
  updateManagedFields,
  type WriteContext as OwnershipContext,
} from '#machinery';
import { type ServedResource } from './served-resource';
import { type WriteContext } from './write-context';

const resetSets = new WeakMap<ServedResource, Map<string, FieldSet>>();

/** What `#machinery` has to know to keep `metadata.managedFields` of a write. */
export function ownershipContext(resource: ServedResource, context: WriteContext, nowMs: number): OwnershipContext {
  return {
    schema: resource.schema,
    apiVersion: resource.apiVersion,
    subresource: context.subresource,
    now: formatTime(nowMs),
    resetFields: resetSetOf(resource, context.subresource),
    versions: (apiVersion) => resource.viewIn(apiVersion),
  };
}

/** Records in `metadata.managedFields` who set what with an update: everything but server-side apply. Changes `object`. */
export function recordUpdate(
  resource: ServedResource,
  object: KubernetesObject,
  live: DeepReadonly<KubernetesObject> | undefined,
  context: WriteContext,
  nowMs: number,
): void {
  if (resource.strategy.tracksOwnership === false) {
    delete object.metadata?.managedFields;
    return;
  }
  const { manager } = context;
  const owned = updateManagedFields(live, object, manager, ownershipContext(resource, context, nowMs));
  const entries = owned.metadata?.managedFields;
  const meta = (object.metadata ??= {});
  if (entries === undefined) delete meta.managedFields;
  else meta.managedFields = entries;
}

/** The same for a body that is answered but never stored (reviews, token requests). */
export function recordCreation(
  object: KubernetesObject,
  schema: StructSchema,
  manager: string,
  subresource: string,
  nowMs: number,
): void {
  const context = { schema, apiVersion: object.apiVersion ?? '', subresource, now: formatTime(nowMs) };
  const entries = updateManagedFields(undefined, object, manager, context).metadata?.managedFields;
  if (entries !== undefined) (object.metadata ??= {}).managedFields = entries;
}

function resetSetOf(resource: ServedResource, subresource: string): FieldSet {
  let sets = resetSets.get(resource);
  if (sets === undefined) resetSets.set(resource, (sets = new Map<string, FieldSet>()));
  let set = sets.get(subresource);
  if (set === undefined) sets.set(subresource, (set = fieldSetOf(...resetFieldsOf(resource, subresource))));
  return set;
}

/** Fields that requests to the resource or a subresource do not own, as dotted paths. */
function resetFieldsOf(resource: ServedResource, subresource: string): readonly string[] {
  const declared = resource.strategy.resetFields?.[subresource];
  if (declared !== undefined) return declared;
  if (!resource.hasSubresource('status')) return [];
  return subresource === 'status' ? ['spec'] : ['status'];
}
