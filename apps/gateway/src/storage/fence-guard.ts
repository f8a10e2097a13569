import { type Lease, resources } from '#api';
import { type Fence } from '#client';
import { type DeepReadonly, conflict } from '#machinery';
import { type Compare } from '#store';
import { objectKey, resourceKeyPrefix } from './keys';
import { type VersionedObject } from './versioned-object';

/** Where leases are read: the cache, which may be behind, and the store. */
export interface LeaseSource {
  cached(key: string): VersionedObject | undefined;
  read(key: string): Promise<VersionedObject | undefined>;
}

const { group, plural } = resources.leases;
const prefix = resourceKeyPrefix(group, plural);

/**
 * Ties one write to a leader's term: the store's transaction compares the lease as it was when its holder and transitions were looked
 * at. A renewal makes the comparison fail, too; then the lease is read again, and the write repeated if the term still lasts.
 */
export class FenceGuard {
  private readonly key: string;
  private mustRead = false;

  constructor(
    private readonly fence: Fence,
    private readonly source: LeaseSource,
  ) {
    this.key = objectKey(prefix, fence.lease.namespace, fence.lease.name);
  }

  /** What the transaction has to compare. @throws Conflict when the term is over. */
  async compare(): Promise<readonly Compare[]> {
    let lease = this.mustRead ? await this.source.read(this.key) : this.source.cached(this.key);
    // A cache that is behind has no say in who leads.
    if (!this.mustRead && !this.isCurrent(lease)) lease = await this.source.read(this.key);
    if (lease === undefined || !this.isCurrent(lease)) throw this.refusal();
    return [{ key: this.key, target: 'mod', result: 'equal', operand: lease.revision }];
  }

  /** A transaction failed: the lease may have changed. */
  outdated(): void {
    this.mustRead = true;
  }

  private isCurrent(stored: VersionedObject | undefined): boolean {
    const lease: DeepReadonly<Lease> | undefined = stored?.object;
    const { holderIdentity, leaseTransitions } = lease?.spec ?? {};
    return holderIdentity === this.fence.holder && (leaseTransitions ?? 0) === this.fence.transitions;
  }

  private refusal(): Error {
    const { lease, holder, transitions } = this.fence;
    const cause = `the term in which ${holder} led (transitions ${transitions}) is over, so it may not write any more`;
    return conflict({ group, resource: plural }, lease.name, cause);
  }
}
