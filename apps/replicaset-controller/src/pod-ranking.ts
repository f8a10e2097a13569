import { type Pod } from '#api';
import { isPodActive, isPodReady, podCondition } from '#controller';
import { type DeepReadonly } from '#machinery';

type PodView = DeepReadonly<Pod>;

interface Candidate {
  readonly pod: PodView;
  /** How many related pods are on the same node. */
  readonly crowd: number;
  readonly now: number;
}

/** Positive: `b` goes before `a`. */
type Criterion = (a: Candidate, b: Candidate) => number;

const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/** Which of two pods goes first when a set shrinks: upstream's order, the first criterion that tells them apart decides. */
const criteria: readonly Criterion[] = [
  // Unassigned before assigned.
  ascending(({ pod }) => Number((pod.spec?.nodeName ?? '') !== '')),
  ascending(({ pod }) => phaseRank[pod.status?.phase ?? ''] ?? 0),
  // Not ready before ready.
  ascending(({ pod }) => Number(isPodReady(pod))),
  // KEP-2255.
  ascending(({ pod }) => deletionCost(pod)),
  // From crowded nodes first.
  ascending(({ crowd }) => -crowd),
  (a, b) => byAge(readySince(a.pod), readySince(b.pod), a, b),
  ascending(({ pod }) => -mostRestarts(pod)),
  (a, b) =>
    byAge(
      Date.parse(a.pod.metadata?.creationTimestamp ?? ''),
      Date.parse(b.pod.metadata?.creationTimestamp ?? ''),
      a,
      b,
    ),
];

/** The `count` pods that are to go. @param now wall-clock milliseconds */
export function podsToDelete(
  pods: readonly PodView[],
  related: readonly PodView[],
  count: number,
  now: number,
): PodView[] {
  if (count >= pods.length) return [...pods];
  const crowds = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName;
    if (node !== undefined && isPodActive(pod)) crowds.set(node, (crowds.get(node) ?? 0) + 1);
  }
  return pods
    .map((pod): Candidate => ({ pod, crowd: crowds.get(pod.spec?.nodeName ?? '') ?? 0, now }))
    .sort((a, b) => {
      for (const criterion of criteria) {
        const order = criterion(a, b);
        if (order !== 0) return order;
      }
      return 0;
    })
    .slice(0, count)
    .map(({ pod }) => pod);
}

function ascending(value: (candidate: Candidate) => number): Criterion {
  return (a, b) => value(a) - value(b);
}

/**
 * Younger goes first, but only where the ages differ by a power of two; among pods of about the same age the UID decides, so that the
 * oldest do not live for ever (KEP-2185).
 */
function byAge(since: number, otherSince: number, a: Candidate, b: Candidate): number {
  if (Number.isNaN(since) || Number.isNaN(otherSince))
    return Number(Number.isNaN(otherSince)) - Number(Number.isNaN(since));
  if (since === otherSince) return 0;
  const difference = ageClass(a.now - since) - ageClass(b.now - otherSince);
  if (difference !== 0) return difference;
  return (a.pod.metadata?.uid ?? '') < (b.pod.metadata?.uid ?? '') ? -1 : 1;
}

function ageClass(ageMs: number): number {
  return ageMs <= 0 ? -1 : Math.floor(Math.log2(ageMs * 1e6));
}

function readySince(pod: PodView): number {
  return isPodReady(pod) ? Date.parse(podCondition(pod, 'Ready')?.lastTransitionTime ?? '') : 0;
}

function deletionCost(pod: PodView): number {
  const text = pod.metadata?.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? '';
  return /^(-?[1-9]\d*|0)$/.test(text) ? Number(text) : 0;
}

function mostRestarts(pod: PodView): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
}
