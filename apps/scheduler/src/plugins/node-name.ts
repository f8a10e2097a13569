import { type FilterPlugin, unresolvable } from '../framework';

const REJECTION = unresolvable("node(s) didn't match the requested node name");

/** `spec.nodeName` set at creation by somebody other than the scheduler. */
export const nodeName: FilterPlugin = {
  name: 'NodeName',
  prepareFilter(pod) {
    const wanted = pod.pod.spec?.nodeName;
    if (!wanted) return undefined;
    return (node) => (node.name === wanted ? undefined : REJECTION);
  },
};
