import { scaledValue } from '#machinery';
import {
  type DeploymentView,
  type Rollout,
  type SetView,
  allSets,
  availableOf,
  desiredReplicas,
  isActive,
  olderFirst,
  sizeOf,
  sum,
} from './rollout';
import { countIn, desiredAnnotation, maxAnnotation } from './revision';

/** A set and the size that it is to have. */
export interface ScaleStep {
  readonly set: SetView;
  readonly replicas: number;
}

/** Everything else is a rolling update, the API's default. */
export function isRecreate({ spec }: DeploymentView): boolean {
  return spec?.strategy?.type === 'Recreate';
}

/** How far a rolling update may go beyond and below the size asked for: percentages round up and down; both zero would stand still. */
export function fenceposts(deployment: DeploymentView): { readonly maxSurge: number; readonly maxUnavailable: number } {
  if (isRecreate(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const replicas = desiredReplicas(deployment);
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicas, 'up');
  const unavailable = scaledValue(maxUnavailable, replicas, 'down');
  if (replicas === 0) return { maxSurge: surge, maxUnavailable: 0 };
  return { maxSurge: surge, maxUnavailable: Math.min(replicas, surge === 0 && unavailable === 0 ? 1 : unavailable) };
}

/** The size that the new set may have now. */
export function newSetSize(rollout: Rollout): number {
  const replicas = desiredReplicas(rollout.deployment);
  if (isRecreate(rollout.deployment)) return replicas;
  const size = rollout.newSet === undefined ? 0 : sizeOf(rollout.newSet);
  const room = replicas + fenceposts(rollout.deployment).maxSurge - sum(allSets(rollout), sizeOf);
  return room <= 0 ? size : size + Math.min(room, replicas - size);
}

/** Next steps of a rolling update: up with the new set as far as the surge allows, otherwise down with the old as far as availability does. */
export function rollingUpdateSteps(rollout: Rollout & { newSet: SetView }): ScaleStep[] {
  const { deployment, newSet } = rollout;
  const replicas = desiredReplicas(deployment);
  const size = Math.min(replicas, sizeOf(newSet) > replicas ? replicas : newSetSize(rollout));
  if (size !== sizeOf(newSet)) return [{ set: newSet, replicas: size }];
  return scaleDownSteps(rollout);
}

function scaleDownSteps(rollout: Rollout & { newSet: SetView }): ScaleStep[] {
  const { deployment, newSet } = rollout;
  const oldSets = rollout.oldSets.filter(isActive);
  const minAvailable = desiredReplicas(deployment) - fenceposts(deployment).maxUnavailable;
  // New pods that are not available yet must not be counted on.
  const newUnavailable = sizeOf(newSet) - availableOf(newSet);
  const removable = sum([...oldSets, newSet], sizeOf) - minAvailable - newUnavailable;
  if (oldSets.length === 0 || removable <= 0) return [];

  // Unhealthy ones first: they serve nobody, and would block the rollout.
  const sizes = new Map(oldSets.map((set) => [set, sizeOf(set)]));
  let left = removable;
  for (const set of oldSets) {
    const unhealthy = Math.min(left, Math.max(0, sizeOf(set) - availableOf(set)));
    sizes.set(set, sizeOf(set) - unhealthy);
    left -= unhealthy;
  }
  let spare = sum([...oldSets, newSet], availableOf) - minAvailable;
  for (const set of oldSets) {
    const size = sizes.get(set) ?? 0;
    const removed = Math.min(size, Math.max(0, spare));
    sizes.set(set, size - removed);
    spare -= removed;
  }
  return oldSets
    .map((set) => ({ set, replicas: sizes.get(set) ?? 0 }))
    .filter(({ set, replicas }) => replicas !== sizeOf(set));
}

/** True when the size asked for has changed since the sets were last scaled: then scaling comes before rolling. */
export function isScalingEvent(rollout: Rollout): boolean {
  return allSets(rollout)
    .filter(isActive)
    .some((set) => {
      const desired = countIn(set, desiredAnnotation);
      return desired !== undefined && desired !== desiredReplicas(rollout.deployment);
    });
}

/**
 * Sizes after the Deployment was scaled. One active set takes it all; in the middle of a rollout each gets its share, so that
 * the risk stays spread.
 */
export function scalingSteps(rollout: Rollout): ScaleStep[] {
  const { deployment, newSet, oldSets } = rollout;
  const replicas = desiredReplicas(deployment);
  const only = activeOrLatest(rollout);
  if (only !== undefined) return [{ set: only, replicas }];
  if (newSet !== undefined && isSaturated(newSet, replicas)) {
    return oldSets.filter(isActive).map((set) => ({ set, replicas: 0 }));
  }
  return isRecreate(deployment) ? [] : proportionalSteps(rollout, replicas);
}

function activeOrLatest(rollout: Rollout): SetView | undefined {
  const active = allSets(rollout).filter(isActive);
  if (active.length > 1) return undefined;
  return active[0] ?? rollout.newSet ?? rollout.oldSets.at(-1);
}

function isSaturated(set: SetView, replicas: number): boolean {
  return sizeOf(set) === replicas && countIn(set, desiredAnnotation) === replicas && availableOf(set) === replicas;
}

function proportionalSteps(rollout: Rollout, replicas: number): ScaleStep[] {
  const { deployment } = rollout;
  const { maxSurge } = fenceposts(deployment);
  const sets = allSets(rollout).filter(isActive);
  const allowed = replicas > 0 ? replicas + maxSurge : 0;
  const toAdd = allowed - sum(sets, sizeOf);
  // The biggest first; among equals the newest grows and the oldest shrinks.
  sets.sort((a, b) => sizeOf(b) - sizeOf(a) || (toAdd > 0 ? olderFirst(b, a) : olderFirst(a, b)));

  let added = 0;
  const steps = sets.map((set) => {
    const share = toAdd === 0 || added === toAdd ? 0 : proportion(deployment, set, replicas + maxSurge);
    const limited = toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
    added += limited;
    return { set, replicas: sizeOf(set) + limited };
  });
  const [first] = steps;
  // What rounding left over.
  if (first !== undefined && toAdd !== 0) first.replicas = Math.max(0, first.replicas + toAdd - added);
  return steps;
}

function proportion(deployment: DeploymentView, set: SetView, deploymentReplicas: number): number {
  if (desiredReplicas(deployment) === 0) return -sizeOf(set);
  const before = countIn(set, maxAnnotation) ?? deployment.status?.replicas ?? 0;
  if (before === 0) return 0;
  return roundHalfAway((sizeOf(set) * deploymentReplicas) / before) - sizeOf(set);
}

function roundHalfAway(value: number): number {
  return value < 0 ? -Math.round(-value) : Math.round(value);
}
