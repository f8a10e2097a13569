import { type Pod, type Toleration } from '#api';
import { type AdmissionPlugin } from './admission';

const seconds = 300;
const keys = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** Pods stay for five minutes on a node that is not ready or not reachable, unless they say otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate({ operation, resource, subresource, object }) {
    const { group, plural } = resource.definition;
    if (operation === 'DELETE' || group !== '' || plural !== 'pods' || subresource !== '') return;
    const { spec } = object as Pod;
    if (spec === undefined) return;
    for (const key of keys) {
      if ((spec.tolerations ?? []).some((toleration) => tolerates(toleration, key))) continue;
      (spec.tolerations ??= []).push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds });
    }
  },
};

function tolerates({ key = '', effect = '' }: Toleration, wanted: string): boolean {
  return (key === wanted || key === '') && (effect === 'NoExecute' || effect === '');
}
