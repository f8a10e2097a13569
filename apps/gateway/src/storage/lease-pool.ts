import { type Clock } from '#machinery';
import { type KeyValueStore } from '#store';

/** A lease takes new objects for this long, and lives so much longer than they ask for. */
const reuseSeconds = 60;
/** Expiry deletes all of a lease's objects in one step, so their number is bounded (upstream's bound). */
const maximumObjects = 1000;

interface OpenLease {
  readonly id: Promise<bigint>;
  readonly openUntilMs: number;
  objects: number;
}

/**
 * Leases for objects that the store forgets by itself (Events). Objects written close together share one: a lease for each
 * of ten thousand events would cost more than the events.
 */
export class LeasePool {
  private readonly open = new Map<number, OpenLease>();

  constructor(
    private readonly store: KeyValueStore,
    private readonly clock: Clock,
  ) {}

  /** A lease that lasts at least `ttlSeconds` from now, and at most a minute longer. Rejects with `StoreError`. */
  async leaseFor(ttlSeconds: number): Promise<bigint> {
    const now = this.clock.now();
    let lease = this.open.get(ttlSeconds);
    if (lease === undefined || now >= lease.openUntilMs || lease.objects >= maximumObjects) {
      const granted = this.store.leaseGrant(ttlSeconds + reuseSeconds).then(({ id }) => id);
      lease = { id: granted, openUntilMs: now + reuseSeconds * 1000, objects: 0 };
      this.open.set(ttlSeconds, lease);
    }
    lease.objects++;
    try {
      return await lease.id;
    } catch (error) {
      if (this.open.get(ttlSeconds) === lease) this.open.delete(ttlSeconds);
      throw error;
    }
  }
}
