import { normalizeByMaximum, type FilterPlugin, type ScorePlugin, unresolvable } from '../framework';
import { matchesNodeSelectorAndAffinity, nodeSelectorTermMatches } from '../node-selector';

const REJECTION = unresolvable("node(s) didn't match Pod's node affinity/selector");

/** `nodeSelector` and node affinity, required and preferred. */
export const nodeAffinity: FilterPlugin & ScorePlugin = {
  name: 'NodeAffinity',
  prepareFilter({ pod }) {
    const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (required === undefined && Object.keys(pod.spec?.nodeSelector ?? {}).length === 0) return undefined;
    return ({ node }) => (node !== undefined && matchesNodeSelectorAndAffinity(pod, node) ? undefined : REJECTION);
  },
  prepareScore({ pod }) {
    const preferred = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (preferred.length === 0) return undefined;
    return {
      score: ({ node }) =>
        preferred.reduce(
          (sum, { weight, preference }) =>
            sum + (node !== undefined && nodeSelectorTermMatches(preference, node) ? weight : 0),
          0,
        ),
      normalize: (scores) => normalizeByMaximum(scores, false),
    };
  },
};
