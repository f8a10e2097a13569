import { type CertificateSigningRequest, resources } from '#api';
import { type DeepReadonly, goQuote, jsonEquals } from '#machinery';
import { type Authorizer } from '../../authz/attributes';
import { parseRequest } from '../../kinds/certificates/parse-request';
import { type AdmissionPlugin, type AdmissionRequest, refusal } from '../admission';
import { isAuthorizedForSigner } from './signer-authorization';

type ReadonlyRequest = DeepReadonly<CertificateSigningRequest>;

const { group, plural } = resources.certificateSigningRequests;

function isAbout({ resource: { definition }, subresource, operation }: AdmissionRequest, what: string): boolean {
  return (
    definition.group === group &&
    definition.plural === plural &&
    subresource === what &&
    operation === (what === '' ? 'CREATE' : 'UPDATE')
  );
}

/** Whoever approves needs the verb `approve` on the request's signer. */
export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    validate(request) {
      if (!isAbout(request, 'approval')) return;
      const { signerName } = (request.old as ReadonlyRequest).spec;
      if (isAuthorizedForSigner(authorizer, request.user, 'approve', signerName)) return;
      throw refusal(request, `user not permitted to approve requests with signerName ${goQuote(signerName)}`);
    },
  };
}

/** Whoever issues the certificate, or says why not, needs the verb `sign` on the request's signer. */
export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    validate(request) {
      if (!isAbout(request, 'status')) return;
      const old = request.old as ReadonlyRequest;
      const { status } = request.object as CertificateSigningRequest;
      const isSame =
        (status?.certificate ?? '') === (old.status?.certificate ?? '') &&
        jsonEquals(status?.conditions ?? [], old.status?.conditions ?? []);
      const { signerName } = old.spec;
      if (isSame || isAuthorizedForSigner(authorizer, request.user, 'sign', signerName)) return;
      throw refusal(request, `user not permitted to sign requests with signerName ${goQuote(signerName)}`);
    },
  };
}

const clientSigner = 'kubernetes.io/kube-apiserver-client';

/** No certificate makes anybody a member of `system:masters`. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  validate(request) {
    if (!isAbout(request, '')) return;
    const { spec } = request.object as CertificateSigningRequest;
    if (spec.signerName !== clientSigner) return;
    const parsed = parseRequest(spec.request);
    if (typeof parsed === 'string') throw refusal(request, `failed to parse CSR: ${parsed}`);
    if (!parsed.organizations.includes('system:masters')) return;
    throw refusal(request, `use of ${clientSigner} signer with system:masters group is not allowed`);
  },
};
