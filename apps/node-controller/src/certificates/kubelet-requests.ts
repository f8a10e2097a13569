import { type RequestedSubject } from '#pki';

// The rules of the signers for node agents, and why a request breaks them, in upstream's words
// (`ValidateKubeletClientCSR`, `ValidateKubeletServingCSR`).

export const signers = {
  client: 'kubernetes.io/kube-apiserver-client',
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
  legacy: 'kubernetes.io/legacy-unknown',
} as const;

type Rule = (subject: RequestedSubject, usages: readonly string[]) => string | undefined;

const nodesGroup = 'system:nodes';
export const nodeUserPrefix = 'system:node:';

const wrongOrganization = 'subject organization is not system:nodes';
const wrongCommonName = 'subject common name does not begin with system:node:';
const isNodesOnly = ({ organizations }: RequestedSubject): boolean =>
  organizations.length === 1 && organizations[0] === nodesGroup;

/** Keys other than RSA do not encipher: that usage may be left out. */
function usageProblem(usages: readonly string[], purpose: string): string | undefined {
  const wanted = ['digital signature', purpose];
  const given = new Set(usages);
  const others = [...given].filter((usage) => !wanted.includes(usage) && usage !== 'key encipherment');
  if (others.length === 0 && wanted.every((usage) => given.has(usage))) return undefined;
  return `usages did not match [${[...wanted, 'key encipherment'].sort().join(' ')}]`;
}

export const kubeletClientProblem: Rule = (subject, usages) => {
  if (!isNodesOnly(subject)) return wrongOrganization;
  if (subject.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
  if (subject.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (subject.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed';
  if (subject.uris.length > 0) return 'URI subjectAltNames are not allowed';
  if (!subject.commonName.startsWith(nodeUserPrefix)) return wrongCommonName;
  return usageProblem(usages, 'client auth');
};

export const kubeletServingProblem: Rule = (subject, usages) => {
  if (!isNodesOnly(subject)) return wrongOrganization;
  if (subject.dnsNames.length + subject.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required';
  if (subject.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (subject.uris.length > 0) return 'URI subjectAltNames are not allowed';
  const problem = usageProblem(usages, 'server auth');
  if (problem !== undefined) return problem;
  return subject.commonName.startsWith(nodeUserPrefix) ? undefined : wrongCommonName;
};

const clientProblem: Rule = (_subject, usages) => {
  const allowed = ['digital signature', 'key encipherment', 'client auth'];
  const other = usages.find((usage) => !allowed.includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
};

/** The signers that this controller is, and what each asks of a request. The legacy one has never asked for anything. */
export const signerRules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  [signers.client, clientProblem],
  [signers.kubeletClient, kubeletClientProblem],
  [signers.kubeletServing, kubeletServingProblem],
  [signers.legacy, () => undefined],
]);
