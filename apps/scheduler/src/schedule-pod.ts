import { type NodeFilter, type Rejection, type Snapshot } from './framework';
import { type NodeInfo } from './node-info';
import { type PodInfo } from './pod-info';
import { filterPlugins, scorePlugins } from './plugins';

export type Decision =
  | { readonly node: string }
  /** No node takes the pod; `message` is what users see. `plugins` rejected at least one node each. */
  | { readonly message: string; readonly plugins: ReadonlySet<string> };

const MIN_FEASIBLE_NODES = 100;
const MIN_PERCENTAGE = 5;

/** Where sampling went on last time, so that all nodes of a large cluster get their turn. */
export interface Rotation {
  start: number;
}

/** Chooses a node for the pod, or says why there is none. Pure but for `random` (ties) and `rotation`. */
export function schedulePod(pod: PodInfo, snapshot: Snapshot, random: () => number, rotation: Rotation): Decision {
  if (snapshot.nodes.length === 0) return { message: 'no nodes available to schedule pods', plugins: new Set() };
  for (const plugin of filterPlugins) {
    const reason = plugin.rejectPod?.(pod, snapshot);
    if (reason === undefined) continue;
    // Upstream's DynamicResources has prepared nothing then, and says in its PostFilter that it finds nothing: before DefaultPreemption.
    const message = `0/${snapshot.nodes.length} nodes are available: ${reason}. not found`;
    return { message, plugins: new Set([plugin.name]) };
  }
  const { feasible, reasons, plugins, resolvable } = findFeasible(pod, snapshot, rotation);
  if (feasible.length === 0) {
    const total = snapshot.nodes.length;
    return { message: `${fitError(total, reasons)} ${preemptionText(pod, total, resolvable)}`, plugins };
  }
  return { node: choose(feasible, score(pod, snapshot, feasible), random) };
}

/**
 * How many feasible nodes are enough (upstream's adaptive sampling): all up to 100 nodes, then a falling share of
 * 50 % − nodes/125, at least 5 % and never fewer than 100.
 */
export function feasibleNodesToFind(nodes: number): number {
  if (nodes < MIN_FEASIBLE_NODES) return nodes;
  const percentage = Math.max(MIN_PERCENTAGE, 50 - Math.floor(nodes / 125));
  return Math.max(MIN_FEASIBLE_NODES, Math.floor((nodes * percentage) / 100));
}

function findFeasible(
  pod: PodInfo,
  snapshot: Snapshot,
  rotation: Rotation,
): { feasible: NodeInfo[]; reasons: Map<string, number>; plugins: Set<string>; resolvable: number } {
  const filters: { name: string; filter: NodeFilter }[] = [];
  for (const plugin of filterPlugins) {
    const filter = plugin.prepareFilter(pod, snapshot);
    if (filter !== undefined) filters.push({ name: plugin.name, filter });
  }
  const feasible: NodeInfo[] = [];
  const reasons = new Map<string, number>();
  const plugins = new Set<string>();
  const total = snapshot.nodes.length;
  const enough = feasibleNodesToFind(total);
  let visited = 0;
  let resolvable = 0;
  for (; visited < total && feasible.length < enough; visited++) {
    const node = snapshot.nodes[(rotation.start + visited) % total] as NodeInfo;
    const rejection = firstRejection(filters, node);
    if (rejection === undefined) {
      feasible.push(node);
      continue;
    }
    plugins.add(rejection.name);
    if (rejection.isResolvable) resolvable++;
    for (const reason of rejection.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  rotation.start = (rotation.start + visited) % total;
  return { feasible, reasons, plugins, resolvable };
}

function firstRejection(
  filters: readonly { name: string; filter: NodeFilter }[],
  node: NodeInfo,
): (Rejection & { name: string }) | undefined {
  for (const { name, filter } of filters) {
    const rejection = filter(node);
    if (rejection !== undefined) return { name, ...rejection };
  }
  return undefined;
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
function fitError(nodes: number, reasons: ReadonlyMap<string, number>): string {
  const parts = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodes} nodes are available: ${parts.join(', ')}.`;
}

/**
 * What upstream's PostFilter plugins add: DynamicResources, which has nothing to give up for a pod without claims, and DefaultPreemption. Pods are not
 * preempted here: no node has victims.
 */
function preemptionText({ pod }: PodInfo, nodes: number, resolvable: number): string {
  const outcome = new Map<string, number>();
  if (resolvable > 0) outcome.set('No preemption victims found for incoming pod', resolvable);
  if (resolvable < nodes) outcome.set('Preemption is not helpful for scheduling', nodes - resolvable);
  const isEligible = pod.spec?.preemptionPolicy !== 'Never';
  const text = isEligible ? fitError(nodes, outcome) : 'not eligible due to preemptionPolicy=Never.';
  return `no new claims to deallocate, preemption: ${text}`;
}

function score(pod: PodInfo, snapshot: Snapshot, feasible: readonly NodeInfo[]): number[] {
  const totals = new Array<number>(feasible.length).fill(0);
  if (feasible.length === 1) return totals;
  for (const { plugin, weight } of scorePlugins) {
    const scorer = plugin.prepareScore(pod, snapshot, feasible);
    if (scorer === undefined) continue;
    const scores = feasible.map((node) => scorer.score(node));
    scorer.normalize?.(scores, feasible);
    scores.forEach((value, i) => (totals[i] = (totals[i] ?? 0) + weight * value));
  }
  return totals;
}

/** The best, and among equals any with the same probability (reservoir sampling). */
function choose(nodes: readonly NodeInfo[], totals: readonly number[], random: () => number): string {
  let best = 0;
  let equals = 1;
  for (let i = 1; i < nodes.length; i++) {
    const difference = (totals[i] ?? 0) - (totals[best] ?? 0);
    if (difference > 0) {
      best = i;
      equals = 1;
    } else if (difference === 0 && random() * ++equals < 1) {
      best = i;
    }
  }
  return (nodes[best] as NodeInfo).name;
}
