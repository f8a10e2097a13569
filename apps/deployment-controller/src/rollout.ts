import { type Deployment, type ReplicaSet } from '#api';
import { type DeepReadonly } from '#machinery';
import { findNewReplicaSet } from './pod-template';

export type DeploymentView = DeepReadonly<Deployment>;
export type SetView = DeepReadonly<ReplicaSet>;

/** A Deployment and its ReplicaSets as a pass sees them; writes replace what they changed. */
export interface Rollout {
  deployment: DeploymentView;
  /** The one with the Deployment's template; absent until it is created. */
  newSet: SetView | undefined;
  /** All others, oldest first. */
  oldSets: SetView[];
}

export function rolloutOf(deployment: DeploymentView, sets: readonly SetView[]): Rollout {
  const sorted = [...sets].sort(olderFirst);
  const newSet = findNewReplicaSet(deployment, sorted);
  return { deployment, newSet, oldSets: sorted.filter((set) => set !== newSet) };
}

export function allSets({ newSet, oldSets }: Rollout): SetView[] {
  return newSet === undefined ? [...oldSets] : [...oldSets, newSet];
}

export function sizeOf(set: SetView): number {
  return set.spec?.replicas ?? 1;
}

export function desiredReplicas(deployment: DeploymentView): number {
  return deployment.spec?.replicas ?? 1;
}

export function isActive(set: SetView): boolean {
  return sizeOf(set) > 0;
}

export function sum(sets: readonly SetView[], count: (set: SetView) => number): number {
  return sets.reduce((total, set) => total + count(set), 0);
}

export function availableOf(set: SetView): number {
  return set.status?.availableReplicas ?? 0;
}

/** By creation, then by name, as upstream's ReplicaSetsByCreationTimestamp. */
export function olderFirst(a: SetView, b: SetView): number {
  const [createdA, createdB] = [a.metadata?.creationTimestamp ?? '', b.metadata?.creationTimestamp ?? ''];
  if (createdA !== createdB) return createdA < createdB ? -1 : 1;
  return (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1;
}
