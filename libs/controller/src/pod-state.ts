import { type Pod } from '#api';
import { type DeepReadonly } from '#machinery';

type PodView = DeepReadonly<Pod>;

/** Its containers have ended for good. */
export function isPodTerminal(pod: PodView): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Counts as a replica: neither ended nor being deleted. */
export function isPodActive(pod: PodView): boolean {
  return !isPodTerminal(pod) && pod.metadata?.deletionTimestamp === undefined;
}

/** Being deleted, and not ended yet. */
export function isPodTerminating(pod: PodView): boolean {
  return !isPodTerminal(pod) && pod.metadata?.deletionTimestamp !== undefined;
}

export function podCondition(
  pod: PodView,
  type: string,
): NonNullable<NonNullable<PodView['status']>['conditions']>[number] | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isPodReady(pod: PodView): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

/**
 * Milliseconds until a ready pod has been so for `minReadySeconds`: 0 if it is available, undefined if it is not ready.
 * @param now wall-clock milliseconds
 */
export function msUntilAvailable(pod: PodView, minReadySeconds: number, now: number): number | undefined {
  const condition = podCondition(pod, 'Ready');
  if (condition?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  if (condition.lastTransitionTime === undefined) return undefined;
  return Math.max(0, Date.parse(condition.lastTransitionTime) + minReadySeconds * 1000 - now);
}

/** Ready for at least `minReadySeconds`. */
export function isPodAvailable(pod: PodView, minReadySeconds: number, now: number): boolean {
  return msUntilAvailable(pod, minReadySeconds, now) === 0;
}
