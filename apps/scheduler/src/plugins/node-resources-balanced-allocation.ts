import { MAX_NODE_SCORE, type ScorePlugin } from '../framework';

/** Prefers nodes on which CPU and memory would be used to a similar degree. */
export const nodeResourcesBalancedAllocation: ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  prepareScore(pod) {
    const { cpu, memory } = pod.requests.actual;
    // A best-effort pod changes no balance.
    if (cpu === 0 && memory === 0) return undefined;
    return {
      score({ requested, allocatable }) {
        if (allocatable.cpu === 0 || allocatable.memory === 0) return 0;
        const cpuFraction = Math.min(1, (requested.cpu + cpu) / allocatable.cpu);
        const memoryFraction = Math.min(1, (requested.memory + memory) / allocatable.memory);
        // Of two values, the standard deviation is half their difference.
        return Math.floor((1 - Math.abs(cpuFraction - memoryFraction) / 2) * MAX_NODE_SCORE);
      },
    };
  },
};
