import { type TopologySpreadConstraint } from '#api';
import { type DeepReadonly, isTolerated, type LabelMatcher, type Labels, labelSelectorMatcher } from '#machinery';
import {
  MAX_NODE_SCORE,
  type FilterPlugin,
  resolvable,
  type ScorePlugin,
  type Snapshot,
  unresolvable,
} from '../framework';
import { type NodeInfo } from '../node-info';
import { matchesNodeSelectorAndAffinity } from '../node-selector';
import { type PodInfo } from '../pod-info';

const MISMATCH = resolvable("node(s) didn't match pod topology spread constraints");
const MISSING_LABEL = unresolvable("node(s) didn't match pod topology spread constraints (missing required label)");
const HOSTNAME = 'kubernetes.io/hostname';

interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: Pick<LabelMatcher, 'matches'>;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

/** Used where a pod states none and belongs to a Service or controller (upstream's system defaulting). */
const DEFAULTS = [
  { topologyKey: HOSTNAME, maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5 },
] as const;

/** Spreads pods evenly over topologies: a rule (`DoNotSchedule`) or a wish (`ScheduleAnyway`). */
export const podTopologySpread: FilterPlugin & ScorePlugin = {
  name: 'PodTopologySpread',

  prepareFilter(pod, snapshot) {
    const constraints = constraintsOf(pod, 'DoNotSchedule');
    if (constraints.length === 0) return undefined;
    const counts = constraints.map((constraint) => domainCounts(constraint, constraints, pod, snapshot.nodes));
    const minima = counts.map((domains, i) =>
      domains.size < (constraints[i]?.minDomains ?? 1) ? 0 : Math.min(...domains.values()),
    );
    return (node) => {
      for (const [i, constraint] of constraints.entries()) {
        const value = node.labels[constraint.topologyKey];
        if (value === undefined) return MISSING_LABEL;
        const self = constraint.selector.matches(pod.labels) ? 1 : 0;
        const skew = (counts[i]?.get(value) ?? 0) + self - (minima[i] ?? 0);
        if (skew > constraint.maxSkew) return MISMATCH;
      }
      return undefined;
    };
  },

  prepareScore(pod, snapshot, feasible) {
    const stated = constraintsOf(pod, 'ScheduleAnyway');
    const isDefault = stated.length === 0 && (pod.pod.spec?.topologySpreadConstraints ?? []).length === 0;
    const constraints = isDefault ? defaultConstraints(pod, snapshot) : stated;
    if (constraints.length === 0) return undefined;
    // Stated constraints leave out nodes that lack a label; the defaults take nodes as they are.
    const ignored = new Set(
      isDefault
        ? []
        : feasible.filter((node) => constraints.some(({ topologyKey }) => node.labels[topologyKey] === undefined)),
    );
    const considered = feasible.filter((node) => !ignored.has(node));
    const counts = constraints.map((constraint) =>
      constraint.topologyKey === HOSTNAME
        ? undefined
        : domainCounts(constraint, isDefault ? [] : constraints, pod, snapshot.nodes),
    );
    const weights = constraints.map(({ topologyKey }) =>
      Math.log(new Set(considered.map((node) => node.labels[topologyKey])).size + 2),
    );
    return {
      score(node) {
        if (ignored.has(node)) return 0;
        return Math.round(
          constraints.reduce((sum, constraint, i) => {
            const value = node.labels[constraint.topologyKey];
            if (value === undefined) return sum;
            const count = counts[i] === undefined ? matching(node, constraint, pod) : (counts[i].get(value) ?? 0);
            return sum + count * (weights[i] ?? 0) + (constraint.maxSkew - 1);
          }, 0),
        );
      },
      normalize(scores, nodes) {
        const valid = scores.filter((_, i) => !ignored.has(nodes[i] as NodeInfo));
        const [min, max] = [Math.min(...valid), Math.max(...valid)];
        scores.forEach((score, i) => {
          if (ignored.has(nodes[i] as NodeInfo)) scores[i] = 0;
          else scores[i] = max === 0 ? MAX_NODE_SCORE : Math.floor((MAX_NODE_SCORE * (max + min - score)) / max);
        });
      },
    };
  },
};

function constraintsOf(pod: PodInfo, action: 'DoNotSchedule' | 'ScheduleAnyway'): Constraint[] {
  const constraints = pod.pod.spec?.topologySpreadConstraints ?? [];
  return constraints
    .filter((constraint) => constraint.whenUnsatisfiable === action)
    .map((constraint) => ({
      topologyKey: constraint.topologyKey,
      maxSkew: constraint.maxSkew,
      minDomains: constraint.minDomains ?? 1,
      selector: labelSelectorMatcher(withMatchLabelKeys(constraint, pod.labels)),
      honorsAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
      honorsTaints: constraint.nodeTaintsPolicy === 'Honor',
    }));
}

/** KEP-3243: pods of one revision are spread among themselves. */
function withMatchLabelKeys(
  constraint: DeepReadonly<TopologySpreadConstraint>,
  labels: Readonly<Record<string, string>>,
): DeepReadonly<TopologySpreadConstraint>['labelSelector'] {
  const keys = (constraint.matchLabelKeys ?? []).filter((key) => labels[key] !== undefined);
  if (keys.length === 0 || constraint.labelSelector === undefined) return constraint.labelSelector;
  const extra = keys.map((key) => ({ key, operator: 'In', values: [labels[key] ?? ''] }));
  return {
    ...constraint.labelSelector,
    matchExpressions: [...(constraint.labelSelector.matchExpressions ?? []), ...extra],
  };
}

function defaultConstraints(pod: PodInfo, snapshot: Snapshot): Constraint[] {
  const selectors = snapshot.selectorsOf(pod);
  if (selectors.length === 0) return [];
  const [first] = selectors;
  const all = { matches: (labels: Labels) => selectors.every((matcher) => matcher.matches(labels)) };
  const selector = selectors.length === 1 && first !== undefined ? first : all;
  return DEFAULTS.map((constraint) => ({
    ...constraint,
    minDomains: 1,
    selector,
    honorsAffinity: true,
    honorsTaints: false,
  }));
}

/** Matching pods by value of the topology key, over the nodes that the constraint counts. */
function domainCounts(
  constraint: Constraint,
  all: readonly Constraint[],
  pod: PodInfo,
  nodes: readonly NodeInfo[],
): Map<string, number> {
  const domains = new Map<string, number>();
  for (const node of nodes) {
    if (node.node === undefined || all.some(({ topologyKey }) => node.labels[topologyKey] === undefined)) continue;
    if (constraint.honorsAffinity && !matchesNodeSelectorAndAffinity(pod.pod, node.node)) continue;
    if (constraint.honorsTaints && !toleratesAll(pod, node)) continue;
    const value = node.labels[constraint.topologyKey];
    if (value !== undefined) domains.set(value, (domains.get(value) ?? 0) + matching(node, constraint, pod));
  }
  return domains;
}

function toleratesAll(pod: PodInfo, node: NodeInfo): boolean {
  return node.taints.every(
    (taint) => taint.effect === 'PreferNoSchedule' || isTolerated(pod.pod.spec?.tolerations, taint),
  );
}

function matching(node: NodeInfo, constraint: Constraint, pod: PodInfo): number {
  let count = 0;
  for (const other of node.pods.values()) {
    if (other.namespace !== pod.namespace || other.pod.metadata?.deletionTimestamp !== undefined) continue;
    if (constraint.selector.matches(other.labels)) count++;
  }
  return count;
}
