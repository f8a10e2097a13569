import { type DeepReadonly } from '#machinery';

type Labels = DeepReadonly<Record<string, string>>;

/** Of the labels under Kubernetes' own domains these are the agent's to set (`kubeletapis.IsKubeletLabel`). */
const agentLabels = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);
const agentDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const reservedDomains = ['kubernetes.io', 'k8s.io'];
/** Administrators keep pods off nodes by labels that no node can give itself. */
const restrictedDomain = 'node-restriction.kubernetes.io';

/** Labels that differ and that a node may not add, change or remove, sorted. */
export function forbiddenLabels(labels: Labels = {}, old: Labels = {}): string[] {
  const keys = new Set([...Object.keys(labels), ...Object.keys(old)]);
  return [...keys].filter((key) => labels[key] !== old[key] && !isAllowed(key)).sort();
}

function isAllowed(key: string): boolean {
  const slash = key.indexOf('/');
  const domain = slash < 0 ? '' : key.slice(0, slash);
  const isIn = (parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);
  if (isIn(restrictedDomain)) return false;
  return !reservedDomains.some(isIn) || agentLabels.has(key) || agentDomains.some(isIn);
}
