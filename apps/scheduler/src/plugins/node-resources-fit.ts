import { MAX_NODE_SCORE, type FilterPlugin, type ScorePlugin } from '../framework';
import { type NodeInfo } from '../node-info';
import { type PodInfo } from '../pod-info';

/** Requests have to fit into what is allocatable; emptier nodes are better (LeastAllocated). */
export const nodeResourcesFit: FilterPlugin & ScorePlugin = {
  name: 'NodeResourcesFit',
  prepareFilter(pod) {
    return (node) => {
      const missing = insufficient(pod, node);
      if (missing.length === 0) return undefined;
      const reasons = missing.map(({ reason }) => reason);
      return { reasons, isResolvable: missing.every(({ exceedsNode }) => !exceedsNode) };
    };
  },
  prepareScore(pod) {
    const { cpu, memory } = pod.requests.nonZero;
    return {
      score: (node) =>
        Math.floor(
          (leastRequested(node.nonZeroRequested.cpu + cpu, node.allocatable.cpu) +
            leastRequested(node.nonZeroRequested.memory + memory, node.allocatable.memory)) /
            2,
        ),
    };
  },
};

interface Missing {
  readonly reason: string;
  /** Not even an empty node would do. */
  readonly exceedsNode: boolean;
}

function insufficient({ requests: { actual } }: PodInfo, node: NodeInfo): Missing[] {
  const missing: Missing[] = [];
  const check = (name: string, amount: number, capacity: number, used: number): void => {
    if (amount <= capacity - used) return;
    missing.push({ reason: `Insufficient ${name}`, exceedsNode: amount > capacity });
  };
  const { allocatable, requested } = node;
  if (node.pods.size + 1 > node.allocatablePods) missing.push({ reason: 'Too many pods', exceedsNode: false });
  for (const [name, key] of counted) {
    if (actual[key] > 0) check(name, actual[key], allocatable[key], requested[key]);
  }
  for (const [name, amount] of actual.scalars ?? []) {
    check(name, amount, allocatable.scalars?.get(name) ?? 0, requested.scalars?.get(name) ?? 0);
  }
  return missing;
}

const counted = [
  ['cpu', 'cpu'],
  ['memory', 'memory'],
  ['ephemeral-storage', 'ephemeralStorage'],
] as const;

function leastRequested(requested: number, capacity: number): number {
  if (capacity === 0 || requested > capacity) return 0;
  return Math.floor(((capacity - requested) * MAX_NODE_SCORE) / capacity);
}
