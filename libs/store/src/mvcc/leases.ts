import { storeErrors } from '../errors';
import { type Key } from '../key-value-store';

/** What the log knows of a lease: not when it ends, which is the leader's business. */
export interface Lease {
  readonly id: bigint;
  /** Seconds granted. */
  readonly ttl: number;
  /** Seconds left at the last checkpoint; 0: all of `ttl`. */
  remaining: number;
  readonly keys: Set<Key>;
}

/** etcd's bounds, in seconds: one and a half election timeouts, and `lease.MaxLeaseTTL`. */
export const MIN_LEASE_TTL = 2;
export const MAX_LEASE_TTL = 9_000_000_000;

export class Leases {
  private readonly byId = new Map<bigint, Lease>();

  get isEmpty(): boolean {
    return this.byId.size === 0;
  }

  get(id: bigint): Lease | undefined {
    return this.byId.get(id);
  }

  all(): Iterable<Lease> {
    return this.byId.values();
  }

  grant(id: bigint, ttl: number, remaining = 0): Lease {
    if (this.byId.has(id)) throw storeErrors.leaseExists();
    const lease: Lease = { id, ttl, remaining, keys: new Set() };
    this.byId.set(id, lease);
    return lease;
  }

  /** @returns its keys in byte order, so that every member deletes them in the same order */
  revoke(id: bigint): Key[] {
    const lease = this.byId.get(id);
    if (lease === undefined) throw storeErrors.leaseNotFound();
    this.byId.delete(id);
    return [...lease.keys].sort((a, b) => (a < b ? -1 : 1));
  }

  attach(id: bigint, key: Key): void {
    if (id !== 0n) this.byId.get(id)?.keys.add(key);
  }

  detach(id: bigint, key: Key): void {
    if (id !== 0n) this.byId.get(id)?.keys.delete(key);
  }
}
