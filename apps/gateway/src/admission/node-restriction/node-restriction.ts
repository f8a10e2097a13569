import { type CertificateSigningRequest, type ResourceSlice } from '#api';
import { type DeepReadonly, goQuote } from '#machinery';
import { nodeNameOf } from '../../authz/node/node-name';
import { parseRequest } from '../../kinds/certificates/parse-request';
import { type AdmissionPlugin, type AdmissionRequest, refusal } from '../admission';
import { checkNode } from './node-object';
import { checkPod, checkPodEviction, checkPodStatus, type Lookup } from './pods';
import { checkClaimStatus } from './claim-status';
import { checkToken, type TokenLookup } from './tokens';

type Check = (node: string, request: AdmissionRequest) => void;

export interface NodeRestrictionDependencies extends Lookup, TokenLookup {}

/**
 * Keeps node agents to what is their own, where the Node authoriser cannot: that one knows names, this one sees objects. Refuses by
 * upstream's rules and in upstream's words.
 */
export function nodeRestriction(lookup: NodeRestrictionDependencies): AdmissionPlugin {
  const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
    ['/pods', (node, request) => checkPodRequest(node, request, lookup)],
    ['/nodes', checkNode],
    ['/persistentvolumeclaims', checkClaimStatus],
    ['/serviceaccounts', (node, request) => checkToken(node, request, lookup)],
    ['coordination.k8s.io/leases', checkLease],
    ['storage.k8s.io/csinodes', checkCsiNode],
    ['resource.k8s.io/resourceslices', checkResourceSlice],
    ['certificates.k8s.io/certificatesigningrequests', checkSigningRequest],
  ]);
  const check = (request: AdmissionRequest): void => {
    const node = nodeNameOf(request.user);
    if (node === undefined) return;
    if (node === '') throw refusal(request, `could not determine node from user ${goQuote(request.user.name)}`);
    const { group, plural } = request.resource.definition;
    checks.get(`${group}/${plural}`)?.(node, request);
  };
  return {
    name: 'NodeRestriction',
    mutate: check,
    // Deletions are only ever validated.
    validate: (request) => {
      if (request.operation === 'DELETE') check(request);
    },
  };
}

function checkPodRequest(node: string, request: AdmissionRequest, lookup: Lookup): void {
  switch (request.subresource) {
    case '':
      return checkPod(node, request, lookup);
    case 'status':
      return checkPodStatus(node, request);
    case 'eviction':
      return checkPodEviction(node, request, lookup);
    default:
      throw refusal(
        request,
        `unexpected pod subresource ${goQuote(request.subresource)}, only 'status' and 'eviction' are allowed`,
      );
  }
}

function checkLease(node: string, request: AdmissionRequest): void {
  const namespace = 'kube-node-lease';
  if (request.namespace !== namespace) {
    throw refusal(request, `can only access leases in the ${goQuote(namespace)} system namespace`);
  }
  if (request.name !== node) {
    throw refusal(request, 'can only access node lease with the same name as the requesting node');
  }
}

function checkCsiNode(node: string, request: AdmissionRequest): void {
  if (request.name !== node) {
    throw refusal(request, 'can only access CSINode with the same name as the requesting node');
  }
}

function checkResourceSlice(node: string, request: AdmissionRequest): void {
  const { operation } = request;
  if (operation !== 'CREATE' && operation !== 'DELETE') return;
  const slice = (operation === 'CREATE' ? request.object : request.old) as DeepReadonly<ResourceSlice> | undefined;
  if (slice?.spec?.nodeName === node) return;
  const verb = operation === 'CREATE' ? 'create' : 'delete';
  throw refusal(request, `can only ${verb} ResourceSlice with the same NodeName as the requesting node`);
}

const kubeletSigners = ['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet'];

/** A node asks for certificates in its own name only. */
function checkSigningRequest(node: string, request: AdmissionRequest): void {
  if (request.operation !== 'CREATE') return;
  const { signerName, request: pem } = (request.object as CertificateSigningRequest).spec;
  if (!kubeletSigners.includes(signerName)) return;
  const parsed = parseRequest(pem);
  if (typeof parsed === 'string') throw refusal(request, `unable to parse csr: ${parsed}`);
  if (parsed.commonName !== `system:node:${node}`) {
    throw refusal(request, `can only create a node CSR with CN=system:node:${node}`);
  }
}
