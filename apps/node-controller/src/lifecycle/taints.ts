import { type Node, type Taint } from '#api';
import { type DeepReadonly } from '#machinery';

type Rule = {
  readonly key: string;
  readonly effects: readonly ('NoSchedule' | 'NoExecute')[];
  readonly applies: (node: DeepReadonly<Node>) => boolean;
};

const has =
  (type: string, status: string) =>
  (node: DeepReadonly<Node>): boolean =>
    node.status?.conditions?.find((condition) => condition.type === type)?.status === status;

/** Which state of a node puts which taint on it. */
export const taintRules: readonly Rule[] = [
  { key: 'node.kubernetes.io/not-ready', effects: ['NoSchedule', 'NoExecute'], applies: has('Ready', 'False') },
  { key: 'node.kubernetes.io/unreachable', effects: ['NoSchedule', 'NoExecute'], applies: has('Ready', 'Unknown') },
  { key: 'node.kubernetes.io/memory-pressure', effects: ['NoSchedule'], applies: has('MemoryPressure', 'True') },
  { key: 'node.kubernetes.io/disk-pressure', effects: ['NoSchedule'], applies: has('DiskPressure', 'True') },
  { key: 'node.kubernetes.io/pid-pressure', effects: ['NoSchedule'], applies: has('PIDPressure', 'True') },
  {
    key: 'node.kubernetes.io/network-unavailable',
    effects: ['NoSchedule'],
    applies: has('NetworkUnavailable', 'True'),
  },
  {
    key: 'node.kubernetes.io/unschedulable',
    effects: ['NoSchedule'],
    applies: (node) => node.spec?.unschedulable === true,
  },
];

/**
 * The taints that the node should have: those of others as they are, ours as its state demands. Undefined if that is what it has.
 * @param now RFC 3339, for `timeAdded` of new taints
 */
export function desiredTaints(node: DeepReadonly<Node>, now: string): Taint[] | undefined {
  const current = node.spec?.taints ?? [];
  const wanted = taintRules
    .filter((rule) => rule.applies(node))
    .flatMap(({ key, effects }) => effects.map((effect) => ({ key, effect })));
  const isOurs = (taint: DeepReadonly<Taint>): boolean =>
    taintRules.some(({ key, effects }) => key === taint.key && effects.some((effect) => effect === taint.effect));
  const isSame = (a: { key: string; effect: string }, b: { key: string; effect: string }): boolean =>
    a.key === b.key && a.effect === b.effect;
  const kept = current.filter((taint) => !isOurs(taint) || wanted.some((other) => isSame(taint, other)));
  const added = wanted.filter((taint) => !current.some((other) => isSame(taint, other)));
  if (kept.length === current.length && added.length === 0) return undefined;
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded: now }))];
}
