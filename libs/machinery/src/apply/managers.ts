import { goQuote } from '../go-text';
import { type DeepReadonly, type JsonValue, type ManagedFieldsEntry } from '../objects';
import { emptySet, type FieldSet, parseFieldSet, union } from './field-set';

/** Who owns which fields: an entry of `metadata.managedFields` while it is worked on. */
export interface FieldManager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339; undefined in entries that clients wrote without one. */
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** Managers by identity, in the order of the object. */
export type FieldManagers = ReadonlyMap<string, FieldManager>;

/** Appliers stay the same whatever version they apply in; updaters do not. */
export function managerId({
  manager,
  operation,
  apiVersion,
  subresource,
}: Omit<FieldManager, 'time' | 'fields'>): string {
  return JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource]);
}

/**
 * Reads `metadata.managedFields`. Undefined when an entry is malformed: then all is forgotten. Entries that name the same
 * manager twice are one.
 */
export function readManagers(entries: DeepReadonly<ManagedFieldsEntry[]> | undefined): FieldManagers | undefined {
  const managers = new Map<string, FieldManager>();
  for (const entry of entries ?? []) {
    const { operation, manager = '', apiVersion = '', subresource = '', time } = entry;
    if (operation !== 'Apply' && operation !== 'Update') return undefined;
    const fields = parseFieldSet(entry.fieldsV1 as JsonValue | undefined);
    if (fields === undefined || (entry.fieldsType !== undefined && entry.fieldsType !== 'FieldsV1')) return undefined;
    const read: FieldManager = { manager, operation, apiVersion, subresource, time, fields };
    managers.set(managerId(read), read);
  }
  return managers;
}

/** Writes `metadata.managedFields`: appliers first, then by time and name. Undefined when there is nothing to write. */
export function writeManagers(managers: FieldManagers): ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined;
  return [...managers.values()]
    .sort(byPrecedence)
    .map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
      manager,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: fields,
      ...(subresource === '' ? {} : { subresource }),
    }));
}

function byPrecedence(a: FieldManager, b: FieldManager): number {
  return (
    compareTexts(a.operation, b.operation) ||
    compareTexts(a.time ?? '', b.time ?? '') ||
    compareTexts(a.manager, b.manager) ||
    compareTexts(a.apiVersion, b.apiVersion) ||
    compareTexts(a.subresource, b.subresource)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** As many updaters as an object remembers by name. */
const maximumUpdaters = 10;

/** Merges the oldest updaters of each version into one entry, so that objects do not grow with every writer. */
export function capManagers(managers: FieldManagers): FieldManagers {
  const updaters = [...managers].filter(([, { operation }]) => operation === 'Update');
  let excess = updaters.length - maximumUpdaters;
  if (excess <= 0) return managers;
  const capped = new Map(managers);
  const oldestOfVersion = new Map<string, string>();
  updaters.sort(([a, left], [b, right]) => compareTexts(left.time ?? '', right.time ?? '') || compareTexts(a, b));
  for (const [id, updater] of updaters) {
    if (excess <= 0) break;
    const { apiVersion, time, fields } = updater;
    const bucket = { manager: 'ancient-changes', operation: 'Update', apiVersion, subresource: '', time } as const;
    const bucketId = managerId(bucket);
    const oldest = oldestOfVersion.get(apiVersion);
    if (oldest === undefined) {
      oldestOfVersion.set(apiVersion, id);
      continue;
    }
    const ancient = capped.get(bucketId) ?? capped.get(oldest);
    if (!capped.has(bucketId)) capped.delete(oldest);
    capped.delete(id);
    capped.set(bucketId, { ...bucket, fields: union(fields, ancient?.fields ?? emptySet) });
    excess--;
  }
  return capped;
}

/** As conflicts name a manager: `"kubectl" with subresource "scale" using apps/v1`. */
export function formatManager({ manager, operation, apiVersion, subresource }: FieldManager): string {
  const name = subresource === '' ? goQuote(manager) : `${goQuote(manager)} with subresource ${goQuote(subresource)}`;
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
