import { type Node } from '#api';
import { type AdmissionPlugin } from './admission';

const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** A new node takes no pods until the node controller has seen that it is ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  mutate({ operation, resource, subresource, object }) {
    const { group, plural } = resource.definition;
    if (operation !== 'CREATE' || group !== '' || plural !== 'nodes' || subresource !== '') return;
    const spec = ((object as Node).spec ??= {});
    const taints = (spec.taints ??= []);
    if (!taints.some(({ key, effect }) => key === notReady.key && effect === notReady.effect))
      taints.push({ ...notReady });
  },
};
