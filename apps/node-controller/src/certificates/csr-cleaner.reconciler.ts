import { type CertificateSigningRequest, resources } from '#api';
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
import { type Clock, hasReason } from '#machinery';
import { readCertificates } from '#pki';
import { type NodeControllerConfig } from '../config';
import { conditionOf, type SigningRequest } from './signing-request';

const hourMs = 3_600_000;
/** How long finished requests stay to be looked at. */
const decidedMs = hourMs;
const pendingMs = 24 * hourMs;
/** A timer takes no more than 2³¹ ms. */
const longestWaitMs = 24 * hourMs;

/** Deletes requests that have had their time: agents make new ones for as long as they live (`csrcleaner`). */
@Reconciler({ name: 'csrcleaner' })
export class CsrCleanerReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private readonly clock: Clock;
  private requests!: Lister<CertificateSigningRequest>;

  constructor(
    @InjectDependencies() dependencies: ControllerDependencies,
    @InjectConfig() config: NodeControllerConfig,
  ) {
    this.client = config.clientAs('certificate-controller');
    this.clock = dependencies.clock;
  }

  watch(watches: Watches): void {
    this.requests = watches.primary(resources.certificateSigningRequests).lister;
  }

  async reconcile(name: string): Promise<ReconcileResult | void> {
    const request = this.requests.get('', name);
    if (request === undefined) return;
    const due = removalTime(request);
    const waitMs = due - this.clock.now();
    if (waitMs > 0) return due === Infinity ? undefined : { requeueAfterMs: Math.min(waitMs, longestWaitMs) };
    const { uid } = request.metadata ?? {};
    try {
      const key = { namespace: '', name };
      await this.client.delete(resources.certificateSigningRequests, key, { preconditions: { uid } });
    } catch (error) {
      if (!hasReason(error, 'NotFound', 'Conflict')) throw error;
    }
  }
}

/** When a request may go, milliseconds since the epoch; Infinity while nobody can say. */
export function removalTime(request: SigningRequest): number {
  const { status, metadata } = request;
  const since = (type: string): number => Date.parse(conditionOf(request, type)?.lastUpdateTime ?? '');
  const isIssued = Boolean(status?.certificate);
  const times = [
    since('Denied') + decidedMs,
    since('Failed') + decidedMs,
    ...(isIssued ? [since('Approved') + decidedMs, expiration(status?.certificate ?? '')] : []),
    ...((status?.conditions ?? []).length === 0 ? [Date.parse(metadata?.creationTimestamp ?? '') + pendingMs] : []),
  ];
  return Math.min(...times.map((time) => (Number.isNaN(time) ? Infinity : time)));
}

function expiration(certificate: string): number {
  const [first] = readCertificates(Buffer.from(certificate, 'base64').toString('latin1'));
  return Date.parse(first?.validTo ?? '');
}
