import { type CertificateSigningRequest, resources } from '#api';
import { type Clock, type DeepReadonly, delay } from '#machinery';
import { type CertificateRequestOptions, type KeyPair, createCertificateRequest } from '#pki';
import { type ApiAccess, type Credentials, isUnanswered } from './api-access';

export interface WantedCertificate {
  readonly signerName: string;
  readonly subject: CertificateRequestOptions;
  readonly purpose: 'client auth' | 'server auth';
}

export interface RequestOptions {
  readonly access: ApiAccess;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** The request was denied, or its signer refused it. */
export class CertificateRefusedError extends Error {
  override readonly name = 'CertificateRefusedError';
}

const pollMs = 500;
const longestPollMs = 5000;
/** As the kubelet: after this a request that nobody decides is given up, and another is made. */
const patienceMs = 15 * 60_000;

/**
 * Makes a key, asks for a certificate for it, and waits until there is one. Rejects with `CertificateRefusedError` if there will
 * be none, with the API's error, or with the reason of `signal`.
 */
export async function requestCertificate(wanted: WantedCertificate, options: RequestOptions): Promise<KeyPair> {
  const { access, credentials } = options;
  const { requestPem, keyPem } = await createCertificateRequest(wanted.subject);
  const request: CertificateSigningRequest = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { generateName: 'csr-' },
    spec: {
      request: Buffer.from(requestPem).toString('base64'),
      signerName: wanted.signerName,
      usages: ['digital signature', wanted.purpose],
    },
  };
  const created = await access.call(credentials, (client) =>
    client.create(resources.certificateSigningRequests, request),
  );
  return { certificatePem: await untilIssued(created.metadata?.name ?? '', options), keyPem };
}

async function untilIssued(name: string, options: RequestOptions): Promise<string> {
  const { access, credentials, clock, random, signal } = options;
  const deadline = clock.monotonic() + patienceMs;
  for (let waitMs = pollMs; ; waitMs = Math.min(longestPollMs, waitMs * 1.5)) {
    await delay(clock, waitMs * (0.75 + random() / 2), signal);
    const request = await access
      .call(credentials, (client) => client.get(resources.certificateSigningRequests, { namespace: '', name }))
      .catch((error: unknown) => {
        if (isUnanswered(error)) return undefined;
        throw error;
      });
    const refusal = refusalOf(request);
    if (refusal !== undefined) throw new CertificateRefusedError(`certificate request ${name} ${refusal}`);
    const certificate = request?.status?.certificate;
    if (certificate) return Buffer.from(certificate, 'base64').toString('utf8');
    if (clock.monotonic() > deadline) {
      throw new CertificateRefusedError(`certificate request ${name} was neither approved nor denied in time`);
    }
  }
}

function refusalOf(request: DeepReadonly<CertificateSigningRequest> | undefined): string | undefined {
  const condition = request?.status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
  if (condition === undefined) return undefined;
  const verb = condition.type === 'Denied' ? 'was denied' : 'failed';
  return `${verb}: ${condition.reason ?? ''} ${condition.message ?? ''}`.trim();
}
