import { normalizeByMaximum, type FilterPlugin, type ScorePlugin, unresolvable } from '../framework';
import { isTolerated } from '#machinery';

const REJECTION = unresolvable('node(s) had untolerated taint(s)');

/** Keeps pods off nodes with taints that they do not tolerate, and prefers nodes without such `PreferNoSchedule` taints. */
export const taintToleration: FilterPlugin & ScorePlugin = {
  name: 'TaintToleration',
  prepareFilter(pod) {
    const tolerations = pod.pod.spec?.tolerations;
    return (node) =>
      node.taints.some((taint) => taint.effect !== 'PreferNoSchedule' && !isTolerated(tolerations, taint))
        ? REJECTION
        : undefined;
  },
  prepareScore(pod, _snapshot, feasible) {
    if (!feasible.some((node) => node.taints.some((taint) => taint.effect === 'PreferNoSchedule'))) return undefined;
    const tolerations = (pod.pod.spec?.tolerations ?? []).filter(
      (toleration) => !toleration.effect || toleration.effect === 'PreferNoSchedule',
    );
    return {
      score: (node) =>
        node.taints.filter((taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(tolerations, taint)).length,
      normalize: (scores) => normalizeByMaximum(scores, true),
    };
  },
};
