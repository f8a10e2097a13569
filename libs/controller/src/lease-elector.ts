import { type Lease, type LeaseSpec, resources } from '#api';
import { type Fence, type ObjectClient } from '#client';
import { type Clock, type DeepReadonly, type ObjectKey, delay, formatMicroTime, hasReason } from '#machinery';
import { type Logger } from '#telemetry';
import { deepEqualSemantic } from './deep-equal';
import { type LeaderElector } from './leader-elector';

export interface LeaseElectorOptions {
  /** Without a fence: what it writes is what fences are made of. */
  readonly client: ObjectClient;
  readonly lease: ObjectKey;
  /** Unique to this replica. */
  readonly identity: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** How long others wait after the last renewal they saw. Default 15 s. */
  readonly leaseDurationMs?: number;
  /** How long this replica goes on leading without having renewed. Less than the lease. Default 10 s. */
  readonly renewDeadlineMs?: number;
  /** Between attempts to acquire or renew. Default 2 s. */
  readonly retryPeriodMs?: number;
}

type Lead = Parameters<LeaderElector['run']>[0];

/**
 * client-go's leader election on a Lease. Whether a lease has run out is measured from when this replica last saw it change, on its
 * own monotonic clock: clocks that differ or jump do no harm. A leader that cannot renew stops before another may start.
 */
export function leaseElector(options: LeaseElectorOptions): LeaderElector {
  const elector = new LeaseElection(options);
  return { run: (lead) => elector.run(lead), stop: () => elector.stop(), fence: () => elector.fence() };
}

class LeaseElection {
  private readonly stopping = new AbortController();
  private readonly durationMs: number;
  private readonly deadlineMs: number;
  private readonly periodMs: number;
  private observed: DeepReadonly<Lease> | undefined;
  private observedAt = 0;
  private term: Fence | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly options: LeaseElectorOptions) {
    this.durationMs = options.leaseDurationMs ?? 15_000;
    this.deadlineMs = options.renewDeadlineMs ?? 10_000;
    this.periodMs = options.retryPeriodMs ?? 2000;
  }

  run(lead: Lead): Promise<void> {
    if (this.running !== undefined) return Promise.reject(new Error('this elector runs already'));
    return (this.running = this.compete(lead));
  }

  fence(): Fence | undefined {
    return this.term;
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error('stopped'));
    await this.running?.catch(() => undefined);
  }

  private async compete(lead: Lead): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      if (!(await this.tryAcquireOrRenew())) {
        await this.pause();
        continue;
      }
      const { lease, identity } = this.options;
      this.term = { lease, holder: identity, transitions: this.observed?.spec?.leaseTransitions ?? 0 };
      this.options.logger.info({ lease: lease.name, identity }, 'became leader');
      await this.leadOnce(lead);
      await this.release();
    }
  }

  /** Runs `lead` while the lease is renewed; returns when it has ended. */
  private async leadOnce(lead: Lead): Promise<void> {
    const term = new AbortController();
    const signal = AbortSignal.any([term.signal, this.stopping.signal]);
    let isOver = false;
    const leading = lead(signal, Number(this.observed?.metadata?.resourceVersion ?? 0)).finally(() => (isOver = true));
    leading.catch(() => term.abort(new Error('the leader failed')));
    // Reading before each renewal means that the deadline counts from the last renewal that was answered.
    let renewedAt = this.options.clock.monotonic();
    while (!signal.aborted && !isOver) {
      await this.pause(signal);
      if (signal.aborted) break;
      const startedAt = this.options.clock.monotonic();
      const left = this.deadlineMs - (startedAt - renewedAt);
      if (await this.within(left, this.tryAcquireOrRenew())) renewedAt = startedAt;
      else if (
        this.holder() !== this.options.identity ||
        this.options.clock.monotonic() - renewedAt >= this.deadlineMs
      ) {
        this.options.logger.warn({ lease: this.options.lease.name }, 'lost leadership');
        term.abort(new Error('leadership lost'));
      }
    }
    await leading;
  }

  /** True if this replica holds the lease now. Never rejects. */
  private async tryAcquireOrRenew(): Promise<boolean> {
    const { client, clock, lease, identity, logger } = this.options;
    const now = formatMicroTime(clock.now());
    try {
      const current = await client.get(resources.leases, lease).catch((error: unknown) => {
        if (hasReason(error, 'NotFound')) return undefined;
        throw error;
      });
      if (current === undefined) {
        const spec = this.spec({ acquireTime: now, renewTime: now, leaseTransitions: 0 });
        this.observe(await client.create(resources.leases, { metadata: { ...lease }, spec }));
        return true;
      }
      this.observe(current);
      const isOurs = current.spec?.holderIdentity === identity;
      if (!isOurs && (current.spec?.holderIdentity ?? '') !== '' && this.isValid(current)) return false;
      const spec = this.spec({
        acquireTime: isOurs ? current.spec?.acquireTime : now,
        renewTime: now,
        leaseTransitions: (current.spec?.leaseTransitions ?? 0) + (isOurs ? 0 : 1),
      });
      this.observe(await client.update(resources.leases, { ...current, spec }));
      return true;
    } catch (error) {
      logger.debug({ err: error, lease: lease.name }, 'lease not acquired or renewed');
      return false;
    }
  }

  /** Lets the next replica in at once. What fails here, the lease's duration heals. */
  private async release(): Promise<void> {
    const { client, clock, identity, logger } = this.options;
    if (this.observed === undefined || this.holder() !== identity) return;
    const now = formatMicroTime(clock.now());
    const { leaseTransitions } = this.observed.spec ?? {};
    const spec: LeaseSpec = {
      holderIdentity: '',
      leaseDurationSeconds: 1,
      acquireTime: now,
      renewTime: now,
      leaseTransitions,
    };
    try {
      this.observe(await client.update(resources.leases, { ...this.observed, spec }));
    } catch (error) {
      logger.warn({ err: error }, 'lease not released');
    }
  }

  private spec(times: Pick<LeaseSpec, 'acquireTime' | 'renewTime' | 'leaseTransitions'>): LeaseSpec {
    const leaseDurationSeconds = Math.ceil(this.durationMs / 1000);
    return { holderIdentity: this.options.identity, leaseDurationSeconds, ...times };
  }

  private observe(lease: DeepReadonly<Lease>): void {
    if (this.observed === undefined || !deepEqualSemantic(this.observed.spec, lease.spec)) {
      this.observedAt = this.options.clock.monotonic();
    }
    this.observed = lease;
  }

  private isValid(lease: DeepReadonly<Lease>): boolean {
    const durationMs = (lease.spec?.leaseDurationSeconds ?? this.durationMs / 1000) * 1000;
    return this.options.clock.monotonic() < this.observedAt + durationMs;
  }

  private holder(): string {
    return this.observed?.spec?.holderIdentity ?? '';
  }

  /** One period, jittered so that replicas do not meet. */
  private pause(signal: AbortSignal = this.stopping.signal): Promise<void> {
    const { clock, random } = this.options;
    return delay(clock, this.periodMs * (1 + random() * 0.2), signal).catch(() => undefined);
  }

  /** False when it takes longer: an answer that comes later does not count. */
  private within(ms: number, promise: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.options.clock.setTimer(ms, () => resolve(false));
      void promise.then((result) => {
        timer.cancel();
        resolve(result);
      });
    });
  }
}
