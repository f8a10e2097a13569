import { type Pod, type Resource } from '#api';
import { type ObjectClient } from '#client';
import { deepEqualSemantic, isPodReady, msUntilAvailable } from '#controller';
import { type DeepReadonly, formatTime, hasReason, labelsMatcher } from '#machinery';
import { type ReplicaCondition, type ReplicaOwner, type ReplicaStatus } from './replica-kind';

export interface StatusInput<T extends ReplicaOwner> {
  readonly owner: DeepReadonly<T>;
  readonly active: readonly DeepReadonly<Pod>[];
  readonly terminating: number | undefined;
  /** Creating or deleting failed. */
  readonly error: Error | undefined;
  /** Wall-clock milliseconds. */
  readonly now: number;
}

/** The status that follows from the pods, and when it changes by itself because a pod becomes available. */
export function replicaStatus<T extends ReplicaOwner>(
  input: StatusInput<T>,
): { readonly status: ReplicaStatus; readonly recheckInMs?: number } {
  const { owner, active, terminating, now } = input;
  const { minReadySeconds = 0, template } = owner.spec ?? {};
  const fullLabels = labelsMatcher(template?.metadata?.labels ?? {});
  const waits = active.map((pod) => msUntilAvailable(pod, minReadySeconds, now));
  const pending = waits.filter((wait) => wait !== undefined && wait > 0) as number[];
  const status: ReplicaStatus = {
    replicas: active.length,
    fullyLabeledReplicas: active.filter(({ metadata }) => fullLabels.matches(metadata?.labels)).length,
    readyReplicas: active.filter(isPodReady).length,
    availableReplicas: waits.filter((wait) => wait === 0).length,
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    observedGeneration: owner.metadata?.generation,
    conditions: conditions(input),
  };
  return pending.length === 0 ? { status } : { status, recheckInMs: Math.min(...pending) };
}

/** Writes the status if it is news. On a conflict the object is read again once, since only this controller writes its status. */
export async function writeReplicaStatus<T extends ReplicaOwner>(
  client: ObjectClient,
  resource: Resource<T>,
  owner: DeepReadonly<T>,
  status: ReplicaStatus,
): Promise<void> {
  if (isSameStatus(owner.status, status)) return;
  try {
    await client.update<T>(resource, { ...owner, status }, { subresource: 'status' });
  } catch (error) {
    if (!hasReason(error, 'Conflict')) throw error;
    const { namespace = '', name = '', uid } = owner.metadata ?? {};
    const fresh = await client.get<T>(resource, { namespace, name });
    if (fresh.metadata?.uid !== uid) throw error;
    await client.update<T>(resource, { ...fresh, status }, { subresource: 'status' });
  }
}

const counts = [
  'replicas',
  'fullyLabeledReplicas',
  'readyReplicas',
  'availableReplicas',
  'terminatingReplicas',
  'observedGeneration',
] as const;

function isSameStatus(a: DeepReadonly<ReplicaStatus> | undefined, b: ReplicaStatus): boolean {
  return (
    counts.every((field) => (a?.[field] ?? 0) === (b[field] ?? 0)) && deepEqualSemantic(a?.conditions, b.conditions)
  );
}

function conditions<T extends ReplicaOwner>({ owner, active, error, now }: StatusInput<T>): ReplicaCondition[] {
  const current = (owner.status?.conditions ?? []) as readonly ReplicaCondition[];
  const failure = current.find(({ type }) => type === 'ReplicaFailure');
  const others = current.filter(({ type }) => type !== 'ReplicaFailure');
  if (error === undefined) return others;
  if (failure !== undefined) return [...current];
  const isShort = active.length < (owner.spec?.replicas ?? 1);
  return [
    ...others,
    {
      type: 'ReplicaFailure',
      status: 'True',
      lastTransitionTime: formatTime(now),
      reason: isShort ? 'FailedCreate' : 'FailedDelete',
      message: error.message,
    },
  ];
}
