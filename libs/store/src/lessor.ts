import { type Clock, type Timer } from '#machinery';
import { type LeaseCheckpoint } from './command';
import { storeErrors } from './errors';
import { type Lease, type Leases } from './mvcc/leases';

/** As etcd's lessor: how often the remaining time of long leases is written down, and when a failed revoke is tried again. */
const CHECKPOINT_INTERVAL_MS = 5 * 60_000;
const REVOKE_RETRY_MS = 3_000;

export interface LeaseProposer {
  revoke(id: bigint): Promise<void>;
  checkpoint(checkpoints: readonly LeaseCheckpoint[]): Promise<void>;
}

interface Deadline {
  /** On the monotonic clock. */
  at: number;
  /** Proposed to be revoked: no renewal any more. */
  revoking: Promise<void> | undefined;
}

/**
 * The leader's watch over leases. It alone looks at the clock; that a lease has ended becomes true by a log entry. A new leader gives
 * every lease what its last checkpoint left it, counted from now: later than promised, never sooner.
 */
export class Lessor {
  private readonly deadlines = new Map<bigint, Deadline>();
  private expiryTimer: Timer | undefined;
  private timerAt = Infinity;
  private checkpointTimer: Timer | undefined;
  private isPrimary = false;

  constructor(
    private readonly clock: Clock,
    private readonly leasesNow: () => Leases,
    private readonly proposer: LeaseProposer,
    private readonly onError: (error: unknown) => void,
  ) {}

  /**
   * This member leads: takes over all leases that the state machine knows.
   * @param extraMs for as long another may have led, and have renewed them
   */
  promote(extraMs: number): void {
    this.isPrimary = true;
    for (const lease of this.leases.all()) this.granted(lease.id, extraMs);
  }

  /** It leads no more, or stops. */
  demote(): void {
    this.isPrimary = false;
    this.deadlines.clear();
    this.expiryTimer?.cancel();
    this.expiryTimer = undefined;
    this.timerAt = Infinity;
    this.checkpointTimer?.cancel();
    this.checkpointTimer = undefined;
  }

  /** A grant has been applied. */
  granted(id: bigint, extraMs = 0): void {
    const lease = this.leases.get(id);
    if (lease === undefined || !this.isPrimary) return;
    const seconds = lease.remaining > 0 ? lease.remaining : lease.ttl;
    const at = this.clock.monotonic() + seconds * 1000 + extraMs;
    this.deadlines.set(id, { at, revoking: undefined });
    // Looking at all of them takes its time, if there are many.
    if (this.expiryTimer === undefined || at < this.timerAt) this.armExpiry();
    this.armCheckpoints();
  }

  /** A revoke has been applied. */
  revoked(id: bigint): void {
    this.deadlines.delete(id);
  }

  /** @returns seconds granted anew */
  async renew(id: bigint): Promise<number> {
    const { lease, deadline } = this.lookup(id);
    if (deadline.revoking !== undefined || deadline.at <= this.clock.monotonic()) {
      // "Not found" promises that the keys are gone too.
      await deadline.revoking;
      throw storeErrors.leaseNotFound();
    }
    if (lease.remaining > 0) await this.proposer.checkpoint([{ id, remaining: 0 }]);
    deadline.at = this.clock.monotonic() + lease.ttl * 1000;
    return lease.ttl;
  }

  /** Whole seconds left; undefined if there is no such lease or it has ended. */
  remaining(id: bigint): number | undefined {
    const deadline = this.deadlines.get(id);
    if (deadline === undefined) return undefined;
    const left = deadline.at - this.clock.monotonic();
    return left <= 0 ? undefined : Math.floor(left / 1000);
  }

  private get leases(): Leases {
    return this.leasesNow();
  }

  private lookup(id: bigint): { lease: Lease; deadline: Deadline } {
    const lease = this.leases.get(id);
    const deadline = this.deadlines.get(id);
    if (lease === undefined || deadline === undefined) throw storeErrors.leaseNotFound();
    return { lease, deadline };
  }

  private armExpiry(): void {
    if (!this.isPrimary) return;
    let soonest = Infinity;
    for (const { at, revoking } of this.deadlines.values()) if (revoking === undefined && at < soonest) soonest = at;
    if (soonest === Infinity || (this.expiryTimer !== undefined && this.timerAt <= soonest)) return;
    this.expiryTimer?.cancel();
    this.timerAt = soonest;
    // Node's timers overflow beyond 2^31 ms.
    const wait = Math.min(soonest - this.clock.monotonic(), 24 * 3_600_000);
    this.expiryTimer = this.clock.setTimer(Math.max(0, Math.ceil(wait)), () => {
      this.expiryTimer = undefined;
      this.timerAt = Infinity;
      this.expire();
      this.armExpiry();
    });
  }

  private expire(): void {
    const now = this.clock.monotonic();
    for (const [id, deadline] of this.deadlines) {
      if (deadline.at > now || deadline.revoking !== undefined) continue;
      deadline.revoking = this.proposer.revoke(id).catch((error: unknown) => {
        deadline.revoking = undefined;
        // Already gone, or the disk is full: then the lease stays a little longer.
        if (this.leases.get(id) === undefined || !this.isPrimary) return;
        this.onError(error);
        deadline.at = this.clock.monotonic() + REVOKE_RETRY_MS;
        this.armExpiry();
      });
    }
  }

  private armCheckpoints(): void {
    if (!this.isPrimary || this.checkpointTimer !== undefined || this.deadlines.size === 0) return;
    this.checkpointTimer = this.clock.setTimer(CHECKPOINT_INTERVAL_MS, () => {
      this.checkpointTimer = undefined;
      const checkpoints: LeaseCheckpoint[] = [];
      for (const id of this.deadlines.keys()) {
        const remaining = this.remaining(id);
        if (remaining !== undefined && remaining * 1000 > CHECKPOINT_INTERVAL_MS) checkpoints.push({ id, remaining });
      }
      if (checkpoints.length > 0) this.proposer.checkpoint(checkpoints).catch(this.onError);
      this.armCheckpoints();
    });
  }
}
