import { aggregateConflicts, type Conflict } from './conflicts';
import { unknownError, badRequest } from '../errors';
import { zeroStruct } from '../decode';
import { jsonEquals, type JsonObject } from '../json-tree';
import { formatKind, kindOf } from '../kinds';
import { type DeepReadonly, type JsonValue, type KubernetesObject } from '../objects';
import { type StructSchema } from '../schema';
import { compareObjects } from './compare';
import {
  difference,
  emptySet,
  type FieldSet,
  intersection,
  isEmptySet,
  recursiveDifference,
  setEquals,
  union,
} from './field-set';
import { capManagers, type FieldManager, type FieldManagers, managerId, readManagers, writeManagers } from './managers';
import { mergeTyped, removeItems, withNamedFields } from './merge-typed';
import { toFieldSet } from './typed';
import {
  comparer,
  conflictsWith,
  type Managed,
  releaseFields,
  strip,
  trackUpdate,
  withManagers,
  type WriteContext,
} from './updater';
import { validateTyped } from './validate-typed';

export interface ApplyOptions extends WriteContext {
  /** `fieldManager` of the request. */
  readonly manager: string;
  /** Take fields from other managers instead of failing. */
  readonly force: boolean;
  /**
   * Finishes a merged object: decoding, defaulting, conversion. Ownership is computed from what it returns, so that
   * defaults do not look like changes.
   */
  readonly normalize: (merged: JsonObject) => DeepReadonly<KubernetesObject>;
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Server-side apply. `config` is the request's object as it was sent, neither defaulted nor decoded; `live` is undefined
 * when the object does not exist. Returns the object to store, with its managed fields. Throws an `ApiError`: 409 with a
 * cause for each field that another manager owns, 500 for a configuration that does not fit its type.
 */
export function applyConfiguration(
  live: DeepReadonly<KubernetesObject> | undefined,
  config: DeepReadonly<JsonObject>,
  options: ApplyOptions,
): DeepReadonly<KubernetesObject> {
  const object = config as DeepReadonly<Managed>;
  if (object.metadata?.managedFields !== undefined && object.metadata.managedFields !== null) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const problem = validateTyped(config as JsonValue, options.schema);
  if (problem !== undefined) {
    const { namespace = '', name = '' } = object.metadata ?? {};
    throw unknownError(
      `failed to create typed patch object (${namespace}/${name}; ${formatKind(kindOf(object))}): ${problem}`,
    );
  }
  const before = live ?? zeroStruct(options.schema);
  let managers = readManagers(live?.metadata?.managedFields) ?? new Map<string, FieldManager>();
  if (managers.size === 0 && live !== undefined) {
    const empty = zeroStruct(options.schema) as DeepReadonly<Managed>;
    managers = trackUpdate(empty, before, managers, 'before-first-apply', { ...options, subresource: '' });
  }
  const result = mergeAndTrack(before, object, managers, options);
  const applied = withManagers(result.object, writeManagers(result.managers));
  return options.manager === 'kubectl' ? syncLastApplied(applied, object) : applied;
}

interface Applied {
  readonly object: DeepReadonly<KubernetesObject>;
  readonly managers: FieldManagers;
}

function mergeAndTrack(
  live: DeepReadonly<Managed>,
  config: DeepReadonly<Managed>,
  managers: FieldManagers,
  options: ApplyOptions,
): Applied {
  const { schema, apiVersion, subresource, resetFields } = options;
  const applier = { manager: options.manager, operation: 'Apply', apiVersion, subresource } as const;
  const id = managerId(applier);
  const last = managers.get(id);
  const named = toFieldSet(config as JsonValue, schema);
  const configured = resetFields === undefined ? named : recursiveDifference(named, resetFields);
  const fields = strip(configured);
  const claimed = new Map(managers).set(id, { ...applier, time: last?.time, fields });

  const merged = mergeTyped(withManagers(live, undefined) as JsonValue, config as JsonValue, schema) as JsonObject;
  // While pruning, the configuration holds what it names, also where ownership is not recorded (`metadata.name`).
  const holding = new Map(claimed).set(id, { ...applier, time: last?.time, fields: configured });
  const pruned = last === undefined ? merged : prune(merged, last.fields, holding, schema);
  const object = options.normalize(pruned);

  // What was sent counts, not what it means: `500m` over `0.5` takes the field from its owner, and so does null.
  const compare = comparer(live, { own: pruned, other: object }, options);
  const conflicts = [...managers].flatMap(([otherId, manager]): Conflict[] =>
    otherId === id ? [] : [{ manager, fields: conflictsWith(manager, compare) }],
  );
  const serious = options.force ? [] : unforgiven(conflicts, live, options);
  if (serious.some(({ fields: contested }) => !isEmptySet(contested))) throw aggregateConflicts(serious);

  const released = new Map(releaseFields(claimed, compare, id));
  if (isEmptySet(fields)) released.delete(id);
  const bare = withManagers(live, undefined);
  const unchanged = last !== undefined && setEquals(last.fields, fields) && managersEqual(managers, released);
  // An apply that changes nothing but ownership has no time; one that changes nothing at all must not look like a change.
  const same = jsonEquals(pruned, bare) || (unchanged && jsonEquals(withManagers(object, undefined), bare));
  if (!same && released.has(id)) released.set(id, { ...applier, time: options.now, fields });
  return { object, managers: capManagers(released) };
}

function managersEqual(a: FieldManagers, b: FieldManagers): boolean {
  return a.size === b.size && [...a].every(([id, { fields }]) => setEquals(fields, b.get(id)?.fields ?? emptySet));
}

/**
 * Removes what the manager applied last time, not this time, and nobody else owns. Fields that lead to others are
 * treated as owned along with them, so that removing the last of them leaves nothing behind.
 */
function prune(merged: JsonObject, last: FieldSet, managers: FieldManagers, schema: StructSchema): JsonObject {
  const lastSet = withNamedFields(last, schema);
  const owned = [...managers.values()].reduce<FieldSet>((all, { fields }) => union(all, fields), emptySet);
  const mergedSet = withNamedFields(toFieldSet(merged, schema), schema);
  const candidate = removeItems(merged, lastSet, schema) ?? {};
  const candidateSet = withNamedFields(toFieldSet(candidate, schema), schema);
  const kept = union(candidateSet, withNamedFields(owned, schema));
  const withOwned = removeItems(merged, difference(mergedSet, kept), schema) ?? {};
  const withOwnedSet = withNamedFields(toFieldSet(withOwned, schema), schema);
  const gone = intersection(difference(mergedSet, withOwnedSet), lastSet);
  return (removeItems(merged, gone, schema) ?? {}) as JsonObject;
}

/**
 * Conflicts that remain for kubectl once the fields of its own last client-side apply are forgiven: that is how objects
 * move from client-side to server-side apply.
 */
function unforgiven(
  conflicts: readonly Conflict[],
  live: DeepReadonly<Managed>,
  options: ApplyOptions,
): readonly Conflict[] {
  const text = live.metadata?.annotations?.[lastApplied];
  if (options.manager !== 'kubectl' || text === undefined) return conflicts;
  const allowed = lastAppliedFields(text, live, options.schema);
  return conflicts.map(({ manager, fields }) => ({ manager, fields: difference(fields, allowed) }));
}

/** Fields of the last client-side apply that nobody changed since. An annotation that does not parse allows nothing. */
function lastAppliedFields(text: string, live: DeepReadonly<Managed>, schema: StructSchema): FieldSet {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    if (error instanceof SyntaxError) return emptySet;
    throw error;
  }
  if (
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    validateTyped(value, schema) !== undefined
  ) {
    return emptySet;
  }
  const { added, modified, removed } = compareObjects(live as JsonObject, value, schema);
  return [modified, added, removed].reduce(difference, toFieldSet(value, schema));
}

/** Annotations may not take more than this in all. */
const maximumAnnotationLength = 256 * 1024;

/** While the client-side annotation exists, kubectl's server-side applies keep it up to date, so that one can go back. */
function syncLastApplied(
  object: DeepReadonly<KubernetesObject>,
  config: DeepReadonly<Managed>,
): DeepReadonly<KubernetesObject> {
  const annotations = object.metadata?.annotations;
  if (annotations?.[lastApplied] === undefined) return object;
  const { [lastApplied]: _, ...own } = config.metadata?.annotations ?? {};
  const metadata = { ...config.metadata, annotations: Object.keys(own).length === 0 ? undefined : own };
  const text = `${JSON.stringify({ ...config, metadata })}\n`;
  if (text.length > maximumAnnotationLength) return object;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [lastApplied]: text } } };
}
