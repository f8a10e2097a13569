import { type DeploymentStatus } from '#api';
import { type DeepReadonly } from '#machinery';
import {
  type ConditionView,
  findCondition,
  newCondition,
  reasons,
  withCondition,
  withoutCondition,
} from './conditions';
import {
  type DeploymentView,
  type Rollout,
  type SetView,
  allSets,
  availableOf,
  desiredReplicas,
  sizeOf,
  sum,
} from './rollout';
import { fenceposts } from './scaling';

export type StatusView = DeepReadonly<DeploymentStatus>;

const unlimited = 2147483647;

export function hasProgressDeadline({ spec }: DeploymentView): boolean {
  return spec?.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== unlimited;
}

/** Counts and the condition `Available`; other conditions as they are. @param now wall-clock milliseconds */
export function countedStatus(rollout: Rollout, now: number): StatusView {
  const { deployment, newSet } = rollout;
  const sets = allSets(rollout);
  const available = sum(sets, availableOf);
  const isAvailable = available >= desiredReplicas(deployment) - fenceposts(deployment).maxUnavailable;
  const condition = isAvailable
    ? newCondition('Available', 'True', reasons.available, 'Deployment has minimum availability.', now)
    : newCondition('Available', 'False', reasons.unavailable, 'Deployment does not have minimum availability.', now);
  const { collisionCount } = deployment.status ?? {};
  return {
    observedGeneration: deployment.metadata?.generation,
    replicas: sum(sets, ({ status }) => status?.replicas ?? 0),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(sets, ({ status }) => status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(sets, sizeOf) - available),
    terminatingReplicas: sum(sets, ({ status }) => status?.terminatingReplicas ?? 0),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: withCondition(deployment.status?.conditions, condition),
  };
}

/** The same with what a rollout says about its progress. */
export function rolloutStatus(rollout: Rollout, now: number): StatusView {
  const { deployment, newSet } = rollout;
  const status = countedStatus(rollout, now);
  let conditions = status.conditions;
  if (!hasProgressDeadline(deployment)) conditions = withoutCondition(conditions, 'Progressing');

  const current = findCondition(deployment.status?.conditions, 'Progressing');
  // A set that became complete stays so: later losses are a matter of availability, not of progress.
  const isComplete = status.replicas === status.updatedReplicas && current?.reason === reasons.newReplicaSetAvailable;
  if (hasProgressDeadline(deployment) && !isComplete) conditions = withProgress(rollout, status, current, now);

  const failure = failureOf(newSet, allSets(rollout));
  conditions =
    failure === undefined ? withoutCondition(conditions, 'ReplicaFailure') : withCondition(conditions, failure);
  return { ...status, conditions };
}

function withProgress(
  { deployment, newSet }: Rollout,
  status: StatusView,
  current: ConditionView | undefined,
  now: number,
): readonly ConditionView[] | undefined {
  const { conditions } = status;
  const subject =
    newSet === undefined ? `Deployment "${deployment.metadata?.name}"` : `ReplicaSet "${newSet.metadata?.name}"`;
  const progressing = (state: string, reason: string, text: string): ConditionView =>
    newCondition('Progressing', state, reason, `${subject} ${text}`, now);

  if (isRolloutComplete(deployment, status)) {
    return withCondition(
      conditions,
      progressing('True', reasons.newReplicaSetAvailable, 'has successfully progressed.'),
    );
  }
  if (hasProgressed(deployment.status, status)) {
    // Unlike other conditions this one is renewed with the same reason: the deadline counts from its last update.
    const condition = progressing('True', reasons.replicaSetUpdated, 'is progressing.');
    const lastTransitionTime = current?.status === 'True' ? current.lastTransitionTime : condition.lastTransitionTime;
    return [...withoutCondition(conditions, 'Progressing'), { ...condition, lastTransitionTime }];
  }
  if (hasTimedOut(deployment, current, now)) {
    return withCondition(conditions, progressing('False', reasons.deadlineExceeded, 'has timed out progressing.'));
  }
  return conditions;
}

/** All pods are of the new revision and available, and the spec has been seen. */
export function isRolloutComplete(deployment: DeploymentView, status: StatusView): boolean {
  const replicas = desiredReplicas(deployment);
  return (
    status.updatedReplicas === replicas &&
    status.replicas === replicas &&
    status.availableReplicas === replicas &&
    (status.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0)
  );
}

/** Milliseconds until the deadline of a rollout that makes no progress; undefined if there is nothing to wait for. */
export function msUntilDeadline(deployment: DeploymentView, status: StatusView, now: number): number | undefined {
  const current = findCondition(status.conditions, 'Progressing');
  if (!hasProgressDeadline(deployment) || current?.lastUpdateTime === undefined) return undefined;
  if (isRolloutComplete(deployment, status) || current.reason === reasons.deadlineExceeded) return undefined;
  const deadline = Date.parse(current.lastUpdateTime) + (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000;
  return Math.max(0, deadline - now);
}

function hasProgressed(old: StatusView | undefined, status: StatusView): boolean {
  const before = { replicas: 0, updatedReplicas: 0, readyReplicas: 0, availableReplicas: 0, ...old };
  const after = { replicas: 0, updatedReplicas: 0, readyReplicas: 0, availableReplicas: 0, ...status };
  return (
    after.updatedReplicas > before.updatedReplicas ||
    after.replicas - after.updatedReplicas < before.replicas - before.updatedReplicas ||
    after.readyReplicas > before.readyReplicas ||
    after.availableReplicas > before.availableReplicas
  );
}

function hasTimedOut(deployment: DeploymentView, current: ConditionView | undefined, now: number): boolean {
  if (current === undefined || current.reason === reasons.newReplicaSetAvailable) return false;
  if (current.reason === reasons.deadlineExceeded) return true;
  const since = Date.parse(current.lastUpdateTime ?? '');
  return since + (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000 < now;
}

/** The new set's failure before those of old ones. */
function failureOf(newSet: SetView | undefined, sets: readonly SetView[]): ConditionView | undefined {
  const candidates = newSet === undefined ? sets : [newSet, ...sets];
  const failures = candidates.flatMap(({ status }) => status?.conditions ?? []);
  const failure = failures.find(({ type }) => type === 'ReplicaFailure');
  if (failure === undefined) return undefined;
  const { type, status, lastTransitionTime, reason, message } = failure;
  return { type, status, lastTransitionTime, lastUpdateTime: lastTransitionTime, reason, message };
}
