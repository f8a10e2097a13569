import { MAX_NODE_SCORE, type FilterPlugin, type ScorePlugin } from '../framework';
import { type NodeInfo } from '../node-info';
import { type PodInfo } from '../pod-info';

/** Requests have to fit into what is allocatable; emptier nodes are better (LeastAllocated). */
export const nodeResourcesFit: FilterPlugin & ScorePlugin = {
  name: 'NodeResourcesFit',
  prepareFilter(pod) {
    return (node) => {
      const reasons = insufficient(pod, node);
      return reasons.length === 0 ? undefined : reasons;
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

function insufficient(pod: PodInfo, node: NodeInfo): string[] {
  const reasons: string[] = [];
  const { actual } = pod.requests;
  if (node.pods.size + 1 > node.allocatablePods) reasons.push('Too many pods');
  if (actual.cpu > 0 && actual.cpu > node.allocatable.cpu - node.requested.cpu) reasons.push('Insufficient cpu');
  if (actual.memory > 0 && actual.memory > node.allocatable.memory - node.requested.memory) {
    reasons.push('Insufficient memory');
  }
  if (
    actual.ephemeralStorage > 0 &&
    actual.ephemeralStorage > node.allocatable.ephemeralStorage - node.requested.ephemeralStorage
  ) {
    reasons.push('Insufficient ephemeral-storage');
  }
  for (const [name, amount] of actual.scalars ?? []) {
    const free = (node.allocatable.scalars?.get(name) ?? 0) - (node.requested.scalars?.get(name) ?? 0);
    if (amount > free) reasons.push(`Insufficient ${name}`);
  }
  return reasons;
}

function leastRequested(requested: number, capacity: number): number {
  if (capacity === 0 || requested > capacity) return 0;
  return Math.floor(((capacity - requested) * MAX_NODE_SCORE) / capacity);
}
