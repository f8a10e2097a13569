import { type CertificateSigningRequest, resources } from '#api';
import { type ObjectClient } from '#client';
import {
  type ControllerDependencies,
  InjectConfig,
  InjectDependencies,
  type Lister,
  Reconciler,
  type Watches,
} from '#controller';
import { formatTime } from '#machinery';
import { signCertificateRequest } from '#pki';
import { X509Certificate } from 'node:crypto';
import { type NodeControllerConfig } from '../config';
import { signerRules } from './kubelet-requests';
import { conditionOf, requestPem, type SigningRequest, subjectOf, withCondition } from './signing-request';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** `--cluster-signing-duration`. */
const defaultDurationMs = 365 * 24 * hourMs;
const minimumDurationMs = 10 * minuteMs;
/** Clocks differ: certificates are valid from a little earlier. */
const backdateMs = 5 * minuteMs;
/** Of the life of shorter ones nothing is taken for that. */
const shortMs = 8 * hourMs;

/** Signs what was approved, as the four signers of `kubernetes.io` that come with a cluster (`csrsigning`). */
@Reconciler({ name: 'csrsigning' })
export class CsrSigningReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private requests!: Lister<CertificateSigningRequest>;

  constructor(
    @InjectDependencies() private readonly dependencies: ControllerDependencies,
    @InjectConfig() private readonly config: NodeControllerConfig,
  ) {
    this.client = config.clientAs('certificate-controller');
  }

  watch(watches: Watches): void {
    if (this.config.signingAuthority === undefined) return;
    this.requests = watches.primary(resources.certificateSigningRequests).lister;
  }

  async reconcile(name: string): Promise<void> {
    const request = this.requests.get('', name);
    if (request === undefined || !isWaiting(request)) return;
    const { signerName, usages = [] } = request.spec;
    const problem = signerRules.get(signerName)?.(subjectOf(request), usages);
    await this.client.update(
      resources.certificateSigningRequests,
      problem === undefined ? await this.signed(request) : this.failed(request, problem),
      { subresource: 'status' },
    );
  }

  private failed(request: SigningRequest, message: string): SigningRequest {
    const lastUpdateTime = formatTime(this.dependencies.clock.now());
    const reason = 'SignerValidationFailure';
    return withCondition(request, { type: 'Failed', status: 'True', reason, message, lastUpdateTime });
  }

  private async signed(request: SigningRequest): Promise<SigningRequest> {
    const { signingAuthority: authority } = this.config;
    if (authority === undefined) throw new TypeError('there is no authority to sign with');
    const now = this.dependencies.clock.now();
    const authorityEnd = Date.parse(new X509Certificate(authority.certificatePem).validTo);
    if (now >= authorityEnd) throw new Error(`the signer has expired: NotAfter=${formatTime(authorityEnd)}`);
    const durationMs = this.durationMs(request.spec.expirationSeconds);
    const end = now + durationMs - (durationMs < shortMs ? 0 : backdateMs);
    const pem = await signCertificateRequest(authority, requestPem(request), {
      usages: request.spec.usages ?? [],
      notBefore: now - backdateMs,
      notAfter: Math.min(end, authorityEnd),
    });
    return { ...request, status: { ...request.status, certificate: Buffer.from(pem).toString('base64') } };
  }

  /** What was asked for, between ten minutes and the default. */
  private durationMs(seconds: number | undefined): number {
    const longest = this.config.signingDurationMs ?? defaultDurationMs;
    return seconds === undefined ? longest : Math.min(longest, Math.max(minimumDurationMs, seconds * 1000));
  }
}

function isWaiting(request: SigningRequest): boolean {
  return (
    signerRules.has(request.spec.signerName) &&
    conditionOf(request, 'Approved') !== undefined &&
    conditionOf(request, 'Denied') === undefined &&
    conditionOf(request, 'Failed') === undefined &&
    !request.status?.certificate
  );
}
