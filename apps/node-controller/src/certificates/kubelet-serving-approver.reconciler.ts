import { isIP } from 'node:net';
import { parse } from 'ipaddr.js';
import { type CertificateSigningRequest, type Node, resources } from '#api';
import { type ObjectClient } from '#client';
import {
  type ControllerDependencies,
  InjectConfig,
  InjectDependencies,
  type Lister,
  Reconciler,
  type Watches,
} from '#controller';
import { type DeepReadonly } from '#machinery';
import { type RequestedSubject } from '#pki';
import { type NodeControllerConfig } from '../config';
import { kubeletServingProblem, nodeUserPrefix, signers } from './kubelet-requests';
import { approvedBecause, isUndecided, type SigningRequest, subjectOf } from './signing-request';

const message = 'Auto approving kubelet serving certificate for the name and addresses of its Node.';

/**
 * Approves what node agents serve logs and exec with: certificates for the node's own name and the addresses that its Node object has.
 * Upstream leaves that to people; see docs/adr/0011-node-identity.md.
 */
@Reconciler({ name: 'kubelet_serving_approver' })
export class KubeletServingApproverReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private requests!: Lister<CertificateSigningRequest>;
  private nodes!: Lister<Node>;

  constructor(
    @InjectDependencies() _dependencies: ControllerDependencies,
    @InjectConfig() private readonly config: NodeControllerConfig,
  ) {
    this.client = config.clientAs('kubelet-serving-approver');
  }

  watch(watches: Watches): void {
    if (this.config.approvesServingCertificates === false) return;
    const requests = watches.primary(resources.certificateSigningRequests);
    requests.addIndex('requester', ({ spec }) => [spec.username ?? '']);
    this.requests = requests.lister;
    // An agent asks before or after it has told its addresses.
    this.nodes = watches.mapped(
      resources.nodes,
      ({ metadata }) =>
        this.requests
          .byIndex('requester', `${nodeUserPrefix}${metadata?.name ?? ''}`)
          .filter(isUndecided)
          .map((request) => request.metadata?.name ?? ''),
      (node, old) => addressesOf(node).join() !== addressesOf(old).join(),
    ).lister;
  }

  async reconcile(name: string): Promise<void> {
    const request = this.requests.get('', name);
    if (request === undefined || !isUndecided(request) || request.spec.signerName !== signers.kubeletServing) return;
    const subject = subjectOf(request);
    if (!this.isItsOwn(request, subject)) return;
    const options = { subresource: 'approval' };
    await this.client.update(resources.certificateSigningRequests, approvedBecause(request, message), options);
  }

  /** The node itself asks, and for nothing but its name and addresses. */
  private isItsOwn({ spec }: SigningRequest, subject: RequestedSubject): boolean {
    if (kubeletServingProblem(subject, spec.usages ?? []) !== undefined) return false;
    if (spec.username !== subject.commonName || spec.groups?.includes('system:nodes') !== true) return false;
    const nodeName = subject.commonName.slice(nodeUserPrefix.length);
    const node = this.nodes.get('', nodeName);
    if (node === undefined) return false;
    const addresses = addressesOf(node);
    return (
      subject.dnsNames.every((dnsName) => dnsName === nodeName) &&
      subject.ipAddresses.every((address) => addresses.includes(canonical(address)))
    );
  }
}

function addressesOf({ status }: DeepReadonly<Node>): string[] {
  return (status?.addresses ?? [])
    .filter(({ type, address }) => (type === 'InternalIP' || type === 'ExternalIP') && isIP(address) !== 0)
    .map(({ address }) => canonical(address));
}

function canonical(address: string): string {
  return isIP(address) === 0 ? address : parse(address).toString();
}
