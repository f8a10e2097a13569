import { type CertificateSigningRequest, type SubjectAccessReview, resources } from '#api';
import { type ObjectClient } from '#client';
import {
  type ControllerDependencies,
  InjectConfig,
  InjectDependencies,
  type Lister,
  type ReconcileResult,
  Reconciler,
  type Watches,
} from '#controller';
import { type NodeControllerConfig } from '../config';
import { kubeletClientProblem, signers } from './kubelet-requests';
import { approvedBecause, isUndecided, type SigningRequest, subjectOf } from './signing-request';

/** Rights may be given later. */
const retryMs = 60_000;

/** The right that a requester needs for an approval without a person, first the narrower one. */
const recognizers = [
  {
    subresource: 'selfnodeclient',
    isFor: ({ spec }: SigningRequest, commonName: string) => spec.username === commonName,
    message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
  },
  {
    subresource: 'nodeclient',
    isFor: () => true,
    message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
  },
] as const;

/** Approves what node agents ask for to talk to the API with, if whoever asks may. */
@Reconciler({ name: 'csrapproving' })
export class CsrApprovingReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private requests!: Lister<CertificateSigningRequest>;

  constructor(
    @InjectDependencies() private readonly dependencies: ControllerDependencies,
    @InjectConfig() config: NodeControllerConfig,
  ) {
    this.client = config.clientAs('certificate-controller');
  }

  watch(watches: Watches): void {
    this.requests = watches.primary(resources.certificateSigningRequests).lister;
  }

  async reconcile(name: string): Promise<ReconcileResult | void> {
    const request = this.requests.get('', name);
    if (request === undefined || !isUndecided(request) || request.spec.signerName !== signers.kubeletClient) return;
    const subject = subjectOf(request);
    if (kubeletClientProblem(subject, request.spec.usages ?? []) !== undefined) return;
    for (const { subresource, isFor, message } of recognizers) {
      if (!isFor(request, subject.commonName) || !(await this.isAllowed(request, subresource))) continue;
      const options = { subresource: 'approval' };
      await this.client.update(resources.certificateSigningRequests, approvedBecause(request, message), options);
      return;
    }
    this.dependencies.logger.debug({ csr: name }, 'recognized, but its requester may not have it approved');
    return { requeueAfterMs: retryMs };
  }

  private async isAllowed({ spec }: SigningRequest, subresource: string): Promise<boolean> {
    const review: SubjectAccessReview = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: spec.username,
        ...(spec.uid === undefined ? {} : { uid: spec.uid }),
        groups: [...(spec.groups ?? [])],
        ...(spec.extra === undefined ? {} : { extra: structuredClone(spec.extra) as Record<string, string[]> }),
        resourceAttributes: {
          group: 'certificates.k8s.io',
          resource: 'certificatesigningrequests',
          verb: 'create',
          subresource,
        },
      },
    };
    const answer = await this.client.create(resources.subjectAccessReviews, review);
    return answer.status?.allowed === true;
  }
}
