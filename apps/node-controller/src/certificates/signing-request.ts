import { type CertificateSigningRequest, type CertificateSigningRequestCondition } from '#api';
import { type DeepReadonly } from '#machinery';
import { type RequestedSubject, readCertificateRequest } from '#pki';

export type SigningRequest = DeepReadonly<CertificateSigningRequest>;

type Condition = CertificateSigningRequestCondition;

export function requestPem({ spec }: SigningRequest): string {
  return Buffer.from(spec.request, 'base64').toString('latin1');
}

/** @throws Error if the gateway has let something through that is no request */
export function subjectOf(request: SigningRequest): RequestedSubject {
  return readCertificateRequest(requestPem(request));
}

export function conditionOf({ status }: SigningRequest, type: string): DeepReadonly<Condition> | undefined {
  return (status?.conditions ?? []).find((condition) => condition.type === type && condition.status !== 'False');
}

/** Nobody has approved or denied it, and no certificate was issued. */
export function isUndecided(request: SigningRequest): boolean {
  return (
    !request.status?.certificate &&
    conditionOf(request, 'Approved') === undefined &&
    conditionOf(request, 'Denied') === undefined
  );
}

/** The request with one condition more. */
export function withCondition(request: SigningRequest, condition: Condition): SigningRequest {
  const { status } = request;
  return { ...request, status: { ...status, conditions: [...(status?.conditions ?? []), condition] } };
}

export function approvedBecause(request: SigningRequest, message: string): SigningRequest {
  return withCondition(request, { type: 'Approved', status: 'True', reason: 'AutoApproved', message });
}
