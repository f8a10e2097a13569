import {
  MAX_NODE_SCORE,
  type FilterPlugin,
  type NodeFilter,
  resolvable,
  type ScorePlugin,
  type Snapshot,
  unresolvable,
} from '../framework';
import { type NodeInfo } from '../node-info';
import { termMatches, type AffinityTerm, type PodInfo } from '../pod-info';

const AFFINITY = unresolvable("node(s) didn't match pod affinity rules");
const ANTI_AFFINITY = resolvable("node(s) didn't match pod anti-affinity rules");
const EXISTING_ANTI_AFFINITY = resolvable("node(s) didn't satisfy existing pods anti-affinity rules");

/** Weight that a required affinity of an existing pod has for the score (HardPodAffinityWeight). */
const HARD_AFFINITY_WEIGHT = 1;

/** Counts by topology: `key=value`. */
type TopologyCounts = Map<string, number>;

/** Pods near, or apart from, other pods: by the labels of the pods and the topology of the nodes. */
export const interPodAffinity: FilterPlugin & ScorePlugin = {
  name: 'InterPodAffinity',

  prepareFilter(pod, snapshot): NodeFilter | undefined {
    const forbidden = existingAntiAffinity(pod, snapshot);
    if (forbidden.size === 0 && pod.requiredAffinity.length === 0 && pod.requiredAntiAffinity.length === 0)
      return undefined;
    const apart = countMatches(pod.requiredAntiAffinity, snapshot, 'any');
    const near = countMatches(pod.requiredAffinity, snapshot, 'all');
    // The first pod of a group that wants to be near itself may go anywhere with the topology.
    const isFirstOfItsKind =
      near.size === 0 && pod.requiredAffinity.every((term) => termMatches(term, pod, snapshot.namespaceLabels));
    return (node) => {
      for (const term of pod.requiredAffinity) {
        const topology = topologyOf(node, term.topologyKey);
        if (topology === undefined || (!isFirstOfItsKind && !near.has(topology))) return AFFINITY;
      }
      for (const term of pod.requiredAntiAffinity) {
        const topology = topologyOf(node, term.topologyKey);
        if (topology !== undefined && apart.has(topology)) return ANTI_AFFINITY;
      }
      for (const topology of forbidden) {
        const key = topology.slice(0, topology.indexOf('='));
        if (topologyOf(node, key) === topology) return EXISTING_ANTI_AFFINITY;
      }
      return undefined;
    };
  },

  prepareScore(pod, snapshot) {
    const hasPreferences = pod.preferredAffinity.length + pod.preferredAntiAffinity.length > 0;
    const relevant = hasPreferences ? snapshot.nodes : snapshot.nodesWithAffinity;
    const weights: TopologyCounts = new Map();
    for (const node of relevant) for (const other of node.pods.values()) weigh(weights, node, pod, other, snapshot);
    if (weights.size === 0) return undefined;
    return {
      score: (node) => {
        let sum = 0;
        for (const [topology, weight] of weights) {
          if (topologyOf(node, topology.slice(0, topology.indexOf('='))) === topology) sum += weight;
        }
        return sum;
      },
      normalize(scores) {
        const min = Math.min(...scores);
        const range = Math.max(...scores) - min;
        scores.forEach(
          (score, i) => (scores[i] = range === 0 ? 0 : Math.floor((MAX_NODE_SCORE * (score - min)) / range)),
        );
      },
    };
  },
};

function topologyOf(node: NodeInfo, key: string): string | undefined {
  const value = node.labels[key];
  return value === undefined ? undefined : `${key}=${value}`;
}

/** Topologies that pods already there forbid to the incoming pod. */
function existingAntiAffinity(pod: PodInfo, snapshot: Snapshot): Set<string> {
  const forbidden = new Set<string>();
  for (const node of snapshot.nodesWithRequiredAntiAffinity) {
    for (const other of node.pods.values()) {
      for (const term of other.requiredAntiAffinity) {
        const topology = topologyOf(node, term.topologyKey);
        if (topology !== undefined && termMatches(term, pod, snapshot.namespaceLabels)) forbidden.add(topology);
      }
    }
  }
  return forbidden;
}

/** Topologies with a pod that any term matches, or (for affinity) that all terms match. */
function countMatches(terms: readonly AffinityTerm[], snapshot: Snapshot, mode: 'any' | 'all'): TopologyCounts {
  const counts: TopologyCounts = new Map();
  if (terms.length === 0) return counts;
  for (const node of snapshot.nodes) {
    for (const other of node.pods.values()) {
      const matching = terms.filter((term) => termMatches(term, other, snapshot.namespaceLabels));
      if (mode === 'all' && matching.length < terms.length) continue;
      for (const term of matching) {
        const topology = topologyOf(node, term.topologyKey);
        if (topology !== undefined) counts.set(topology, (counts.get(topology) ?? 0) + 1);
      }
    }
  }
  return counts;
}

function weigh(weights: TopologyCounts, node: NodeInfo, pod: PodInfo, other: PodInfo, snapshot: Snapshot): void {
  const add = (term: AffinityTerm, subject: PodInfo, weight: number): void => {
    const topology = topologyOf(node, term.topologyKey);
    if (topology === undefined || !termMatches(term, subject, snapshot.namespaceLabels)) return;
    weights.set(topology, (weights.get(topology) ?? 0) + weight);
  };
  for (const term of pod.preferredAffinity) add(term, other, term.weight);
  for (const term of pod.preferredAntiAffinity) add(term, other, -term.weight);
  for (const term of other.requiredAffinity) add(term, pod, HARD_AFFINITY_WEIGHT);
  for (const term of other.preferredAffinity) add(term, pod, term.weight);
  for (const term of other.preferredAntiAffinity) add(term, pod, -term.weight);
}
