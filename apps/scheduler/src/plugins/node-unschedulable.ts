import { type FilterPlugin, unresolvable } from '../framework';
import { isTolerated } from '#machinery';

const REJECTION = unresolvable('node(s) were unschedulable');
const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const;

/** `kubectl cordon`. */
export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  prepareFilter(pod) {
    if (isTolerated(pod.pod.spec?.tolerations, TAINT)) return undefined;
    return (node) => (node.node?.spec?.unschedulable === true ? REJECTION : undefined);
  },
};
