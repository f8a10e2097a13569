import {
  type DeepReadonly,
  type JsonObject,
  type KubernetesObject,
  type ManagedFieldsEntry,
  isObject,
} from '#machinery';

const replicas: JsonObject = { 'f:spec': { 'f:replicas': {} } };
const scaleVersion = 'autoscaling/v1';

type Entries = DeepReadonly<ManagedFieldsEntry[]>;

/** Who owns the replicas of a workload, told in terms of its Scale. */
export function ownersOfScale(entries: Entries = []): ManagedFieldsEntry[] {
  return (entries as ManagedFieldsEntry[])
    .filter((entry) => ownsReplicas(entry))
    .map((entry) => ({ ...entry, apiVersion: scaleVersion, fieldsV1: replicas }));
}

/**
 * The reverse: the workload's list after its Scale was applied. Whoever lost the replicas keeps the rest, and is forgotten
 * with nothing left; whoever applied them is in the list with the workload's version.
 */
export function ownersOfWorkload(
  workload: DeepReadonly<KubernetesObject>,
  scaleEntries: Entries = [],
): ManagedFieldsEntry[] {
  const owners = new Map(scaleEntries.map((entry) => [identity(entry), entry as ManagedFieldsEntry]));
  const kept: ManagedFieldsEntry[] = [];
  for (const entry of (workload.metadata?.managedFields ?? []) as ManagedFieldsEntry[]) {
    const id = identity(entry);
    if (!ownsReplicas(entry)) kept.push(entry);
    else if (owners.has(id)) kept.push({ ...entry, time: owners.get(id)?.time });
    else {
      const rest = withoutReplicas(entry);
      if (rest !== undefined) kept.push(rest);
    }
    if (ownsReplicas(entry)) owners.delete(id);
  }
  for (const entry of owners.values()) kept.push({ ...entry, apiVersion: workload.apiVersion });
  return kept;
}

function identity({ manager = '', operation, subresource = '' }: DeepReadonly<ManagedFieldsEntry>): string {
  return JSON.stringify([manager, operation, subresource]);
}

function specOf(entry: DeepReadonly<ManagedFieldsEntry>): JsonObject | undefined {
  const spec = entry.fieldsV1?.['f:spec'];
  return isObject(spec) ? spec : undefined;
}

function ownsReplicas(entry: DeepReadonly<ManagedFieldsEntry>): boolean {
  return specOf(entry)?.['f:replicas'] !== undefined;
}

function withoutReplicas(entry: ManagedFieldsEntry): ManagedFieldsEntry | undefined {
  const { 'f:replicas': _, ...spec } = specOf(entry) ?? {};
  const { 'f:spec': _spec, ...fields } = entry.fieldsV1 ?? {};
  const rest = Object.keys(spec).length === 0 ? fields : { ...fields, 'f:spec': spec };
  return Object.keys(rest).length === 0 ? undefined : { ...entry, fieldsV1: rest };
}
