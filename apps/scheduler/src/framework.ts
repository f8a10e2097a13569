import { type PersistentVolumeClaim } from '#api';
import { type DeepReadonly, type LabelMatcher, type Labels } from '#machinery';
import { type NodeInfo } from './node-info';
import { type PodInfo } from './pod-info';

/** The highest score a plugin may give a node, after normalisation (upstream's MaxNodeScore). */
export const MAX_NODE_SCORE = 100;

/** What is known of storage. */
export interface Volumes {
  claim(namespace: string, name: string): DeepReadonly<PersistentVolumeClaim> | undefined;
  /** `volumeBindingMode` of a class; undefined if there is no such class. */
  bindingMode(storageClass: string): string | undefined;
}

/** All nodes as they were when the scheduling of one pod began. */
export interface Snapshot {
  readonly nodes: readonly NodeInfo[];
  readonly byName: ReadonlyMap<string, NodeInfo>;
  /** The nodes that run a pod with required anti-affinity: the only ones whose pods can forbid a place. */
  readonly nodesWithRequiredAntiAffinity: readonly NodeInfo[];
  readonly nodesWithAffinity: readonly NodeInfo[];
  /** Labels of a namespace; none if it is unknown. */
  readonly namespaceLabels: (namespace: string) => Labels;
  /** Selectors of the Services and controllers that a pod belongs to: what its spreading is about by default. */
  readonly selectorsOf: (pod: PodInfo) => readonly LabelMatcher[];
  readonly volumes: Volumes;
}

/** Why a node does not take a pod. */
export interface Rejection {
  /** In upstream's words. */
  readonly reasons: readonly string[];
  /** Fewer pods on the node could change it (upstream: Unschedulable); nothing that the scheduler could do would (UnschedulableAndUnresolvable). */
  readonly isResolvable: boolean;
}

export const resolvable = (...reasons: readonly string[]): Rejection => ({ reasons, isResolvable: true });
export const unresolvable = (...reasons: readonly string[]): Rejection => ({ reasons, isResolvable: false });

export type NodeFilter = (node: NodeInfo) => Rejection | undefined;

/**
 * Decides whether a node can take a pod. Work that is the same for all nodes is done once, in `prepareFilter`; a plugin that has
 * nothing to say about the pod returns undefined there and is not asked again (upstream's PreFilter with Skip).
 */
export interface FilterPlugin {
  readonly name: string;
  /** Why no node whatever can take the pod, in upstream's words (upstream: a PreFilter that fails). Asked before any filter is prepared. */
  rejectPod?(pod: PodInfo, snapshot: Snapshot): string | undefined;
  prepareFilter(pod: PodInfo, snapshot: Snapshot): NodeFilter | undefined;
}

export interface NodeScorer {
  /** Any finite number; higher is better unless `normalize` says otherwise. */
  score(node: NodeInfo): number;
  /** Brings all scores into 0 … MAX_NODE_SCORE, in place. Absent: they are already. */
  normalize?(scores: number[], nodes: readonly NodeInfo[]): void;
}

/** Ranks the nodes that passed all filters. */
export interface ScorePlugin {
  readonly name: string;
  prepareScore(pod: PodInfo, snapshot: Snapshot, feasible: readonly NodeInfo[]): NodeScorer | undefined;
}

/** Scales so that the best gets MAX_NODE_SCORE; `reverse` when fewer is better. */
export function normalizeByMaximum(scores: number[], reverse: boolean): void {
  const max = Math.max(0, ...scores);
  scores.forEach((score, index) => {
    const scaled = max === 0 ? 0 : Math.floor((MAX_NODE_SCORE * score) / max);
    scores[index] = reverse ? MAX_NODE_SCORE - scaled : scaled;
  });
}
