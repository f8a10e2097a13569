import { type DeploymentCondition } from '#api';
import { type DeepReadonly, formatTime } from '#machinery';

export type ConditionView = DeepReadonly<DeploymentCondition>;
type Conditions = readonly ConditionView[] | undefined;

/** Reasons of `Progressing`, `Available` and what goes with them: clients (kubectl rollout status) act on these texts. */
export const reasons = {
  replicaSetUpdated: 'ReplicaSetUpdated',
  replicaSetCreateError: 'ReplicaSetCreateError',
  newReplicaSetCreated: 'NewReplicaSetCreated',
  foundNewReplicaSet: 'FoundNewReplicaSet',
  newReplicaSetAvailable: 'NewReplicaSetAvailable',
  deadlineExceeded: 'ProgressDeadlineExceeded',
  paused: 'DeploymentPaused',
  resumed: 'DeploymentResumed',
  available: 'MinimumReplicasAvailable',
  unavailable: 'MinimumReplicasUnavailable',
} as const;

export function findCondition(conditions: Conditions, type: string): ConditionView | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** @param now wall-clock milliseconds */
export function newCondition(
  type: string,
  status: string,
  reason: string,
  message: string,
  now: number,
): ConditionView {
  const time = formatTime(now);
  return { type, status, lastUpdateTime: time, lastTransitionTime: time, reason, message };
}

/** Leaves a condition with the same status and reason as it is; keeps the time of the transition while the status stays. */
export function withCondition(conditions: Conditions, condition: ConditionView): readonly ConditionView[] {
  const current = findCondition(conditions, condition.type);
  if (current?.status === condition.status && current.reason === condition.reason) return conditions ?? [];
  const { lastTransitionTime } = current?.status === condition.status ? current : condition;
  return [...withoutCondition(conditions, condition.type), { ...condition, lastTransitionTime }];
}

export function withoutCondition(conditions: Conditions, type: string): readonly ConditionView[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}
