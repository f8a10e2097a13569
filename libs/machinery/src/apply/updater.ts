import { type JsonObject } from '../json-tree';
import { type DeepReadonly, type KubernetesObject, type ManagedFieldsEntry } from '../objects';
import { type StructSchema } from '../schema';
import { zeroStruct } from '../decode';
import { type Comparison, compareObjects, withoutFields } from './compare';
import { difference, emptySet, type FieldSet, fieldSetOf, intersection, isEmptySet, union } from './field-set';
import { capManagers, type FieldManager, type FieldManagers, managerId, readManagers, writeManagers } from './managers';

/** An object of a kind that ownership is tracked for. */
export type Managed = KubernetesObject & Record<string, unknown>;

/** One version of a kind, for managers that wrote in another one than the request's. */
export interface VersionView {
  readonly schema: StructSchema;
  /** The object as that version shows it. Must not change its argument. */
  readonly convert: (object: DeepReadonly<Managed>) => DeepReadonly<Managed>;
}

/** What a write is about. */
export interface WriteContext {
  readonly schema: StructSchema;
  /** Version of the request, `apps/v1`. */
  readonly apiVersion: string;
  /** '' for the resource itself. */
  readonly subresource: string;
  /** RFC 3339, for entries that change. */
  readonly now: string;
  /** Fields that the server sets or resets on this endpoint whatever is sent: nobody comes to own them by writing. */
  readonly resetFields?: FieldSet;
  /** Other versions of the kind; undefined for one that is no longer served, whose managers are forgotten. */
  readonly versions?: (apiVersion: string) => VersionView | undefined;
}

/** Metadata that belongs to the server and to no manager. */
const stripped = union(
  fieldSetOf('apiVersion', 'kind', 'metadata', 'metadata.name', 'metadata.namespace', 'metadata.creationTimestamp'),
  fieldSetOf(
    'metadata.selfLink',
    'metadata.uid',
    'metadata.clusterName',
    'metadata.generation',
    'metadata.managedFields',
    'metadata.resourceVersion',
  ),
);

export function strip(fields: FieldSet): FieldSet {
  return difference(fields, stripped);
}

/**
 * Sets `metadata.managedFields` of an object that is about to be created or updated: the writer comes to own what it
 * changed, others lose it, what is gone has no owner. `live` is undefined for a create. `object` is the new state, decoded
 * and defaulted, but before admission and before the kind's strategy prepare it: nobody owns what those set. A new object
 * is returned unless nothing changes, and shares everything else with it.
 */
export function updateManagedFields<T extends DeepReadonly<KubernetesObject>>(
  live: DeepReadonly<KubernetesObject> | undefined,
  object: T,
  manager: string,
  context: WriteContext,
): T {
  const before = live ?? zeroStruct(context.schema);
  const managers = managersToUpdate(live, object, context.subresource !== '');
  // Whoever cleared the list of an existing object does not want it tracked.
  const tracked = managers.size > 0 || live === undefined;
  const updated = tracked ? trackUpdate(before, object, managers, manager, context) : managers;
  return withManagers(object, updated === managers ? entriesOf(live, object, managers) : writeManagers(updated));
}

/** The entries as they were when nothing changed, so that equal objects stay equal. */
function entriesOf(
  live: DeepReadonly<KubernetesObject> | undefined,
  object: DeepReadonly<KubernetesObject>,
  managers: FieldManagers,
): DeepReadonly<ManagedFieldsEntry[]> | undefined {
  const given = object.metadata?.managedFields;
  if (given !== undefined && readManagers(given)?.size === managers.size && given.length === managers.size)
    return given;
  return managers.size === live?.metadata?.managedFields?.length
    ? live.metadata.managedFields
    : writeManagers(managers);
}

export function withManagers<T extends DeepReadonly<KubernetesObject>>(
  object: T,
  entries: DeepReadonly<ManagedFieldsEntry[]> | undefined,
): T {
  if (object.metadata?.managedFields === entries) return object;
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  return { ...object, metadata: entries === undefined ? metadata : { ...metadata, managedFields: entries } };
}

/**
 * Clients may edit `managedFields` itself, except through subresources. Those who do not know it send none, and get what
 * the object has; `[{}]` clears it.
 */
function managersToUpdate(
  live: DeepReadonly<KubernetesObject> | undefined,
  object: DeepReadonly<KubernetesObject>,
  liveOnly: boolean,
): FieldManagers {
  const given = object.metadata?.managedFields;
  if (!liveOnly && given !== undefined) {
    const [first] = given;
    if (given.length === 0 || (given.length === 1 && first !== undefined && Object.keys(first).length === 0))
      return new Map();
    const managers = readManagers(given);
    if (managers !== undefined && managers.size > 0) return managers;
  }
  return readManagers(live?.metadata?.managedFields) ?? new Map<string, FieldManager>();
}

/** Ownership after an update. Returns its argument when nothing changed. */
export function trackUpdate(
  before: DeepReadonly<Managed>,
  after: DeepReadonly<Managed>,
  managers: FieldManagers,
  manager: string,
  context: WriteContext,
): FieldManagers {
  const compare = comparer(before, { own: after, other: after }, context);
  const own = compare(context.apiVersion);
  const changes = own === undefined ? emptySet : strip(union(own.added, own.modified));
  const released = releaseFields(managers, compare);
  if (isEmptySet(changes)) return released;

  const entry = {
    manager: manager === '' ? 'unknown' : manager,
    operation: 'Update',
    apiVersion: context.apiVersion,
  } as const;
  const updater = { ...entry, subresource: context.subresource };
  const id = managerId(updater);
  const previous = released.get(id)?.fields ?? emptySet;
  const result = new Map(released);
  result.set(id, { ...updater, time: context.now, fields: union(previous, changes) });
  return capManagers(result);
}

/** How the write looks in a version; computed once for each. Undefined for a version that is not served. */
export type Comparer = (apiVersion: string) => Comparison | undefined;

/** The new state: as the request's version has it, and in the form that converts to others. */
export interface NewState {
  readonly own: DeepReadonly<Managed>;
  readonly other: DeepReadonly<Managed>;
}

export function comparer(before: DeepReadonly<Managed>, after: NewState, context: WriteContext): Comparer {
  const known = new Map<string, Comparison | undefined>();
  return (apiVersion) => {
    if (!known.has(apiVersion)) known.set(apiVersion, compareIn(apiVersion, before, after, context));
    return known.get(apiVersion);
  };
}

function compareIn(
  apiVersion: string,
  before: DeepReadonly<Managed>,
  after: NewState,
  { schema, apiVersion: own, versions, resetFields }: WriteContext,
): Comparison | undefined {
  const isOwn = apiVersion === own || versions === undefined;
  const view: VersionView | undefined = isOwn ? { schema, convert: (object) => object } : versions(apiVersion);
  if (view === undefined) return undefined;
  const [left, right] = [view.convert(before), view.convert(isOwn ? after.own : after.other)].map(
    withoutManagedFields,
  ) as [JsonObject, JsonObject];
  const comparison = compareObjects(left, right, view.schema);
  return resetFields === undefined ? comparison : withoutFields(comparison, resetFields);
}

/** Nobody owns the list of owners; comparing it would cost more than all the rest. */
function withoutManagedFields(object: DeepReadonly<Managed>): DeepReadonly<Managed> {
  return withManagers(object, undefined);
}

/** What others lose by a write: what it changed and what is gone. Managers with nothing left are forgotten. */
export function releaseFields(managers: FieldManagers, compare: Comparer, except?: string): FieldManagers {
  let result: Map<string, FieldManager> | undefined;
  for (const [id, manager] of managers) {
    if (id === except) continue;
    const comparison = compare(manager.apiVersion);
    let fields: FieldSet = emptySet;
    if (comparison !== undefined) {
      fields = difference(manager.fields, union(comparison.modified, comparison.added));
      fields = difference(fields, comparison.removed);
    }
    if (fields === manager.fields && !isEmptySet(fields)) continue;
    result ??= new Map(managers);
    if (isEmptySet(fields)) result.delete(id);
    else result.set(id, { ...manager, fields });
  }
  return result ?? managers;
}

/** Fields of a manager that a write would take away from it. */
export function conflictsWith(manager: FieldManager, compare: Comparer): FieldSet {
  const comparison = compare(manager.apiVersion);
  return comparison === undefined
    ? emptySet
    : intersection(manager.fields, union(comparison.modified, comparison.added));
}
