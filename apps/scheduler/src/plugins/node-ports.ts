import { type FilterPlugin, resolvable } from '../framework';
import { conflicts } from '../host-ports';

const REJECTION = resolvable("node(s) didn't have free ports for the requested pod ports");

/** Two pods cannot have the same `hostPort` of one node. */
export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  prepareFilter({ hostPorts }) {
    if (hostPorts.length === 0) return undefined;
    return (node) => {
      for (const used of node.usedPorts()) if (hostPorts.some((port) => conflicts(port, used))) return REJECTION;
      return undefined;
    };
  },
};
