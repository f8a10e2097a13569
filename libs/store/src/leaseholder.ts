import { type LeaseStatus } from './key-value-store';
import { type Lessor } from './lessor';
import { type MemberMetrics } from './member-metrics';
import { type Leases } from './mvcc/leases';
import { clusterErrors } from './replication/cluster-errors';
import {
  decodeLeaseStatus,
  encodeAnswer,
  encodeLeaseStatus,
  type LeaderRequest,
  type LeaderRequests,
} from './replication/leader-requests';
import { type Replicator } from './replication/replicator';

export type LeaseRequest = Exclude<LeaderRequest, { type: 'administration' }>;

export interface LeaseholderOptions {
  readonly replicator: Pick<Replicator, 'isLeader'>;
  readonly requests: LeaderRequests;
  readonly lessor: Lessor;
  readonly leases: () => Leases;
  /** See `Replicator.linearize`. */
  readonly linearize: () => Promise<void> | undefined;
  /** @throws StoreError once the store has ended */
  readonly checkOpen: () => void;
  readonly metrics: Pick<MemberMetrics, 'leasesRenewed'>;
}

/** What only the leader knows of leases: asked of it from here, and answered if it is here. */
export class Leaseholder {
  constructor(private readonly options: LeaseholderOptions) {}

  /** @returns seconds that the lease now has */
  keepAlive(id: bigint): Promise<number> {
    const decode = (answer: Buffer): number => answer.readDoubleLE();
    return this.options.requests.ask(() => this.renewHere(id), { type: 'keep-alive', id }, decode);
  }

  status(id: bigint): Promise<LeaseStatus> {
    return this.options.requests.ask(() => this.statusHere(id), { type: 'lease-status', id }, decodeLeaseStatus);
  }

  /** What another member asks of this one, which it takes for the leader. */
  answer(request: LeaseRequest): Promise<Buffer> {
    return encodeAnswer(async () => {
      this.options.checkOpen();
      if (request.type === 'lease-status') return encodeLeaseStatus(await this.statusHere(request.id));
      const ttl = Buffer.alloc(8);
      ttl.writeDoubleLE(await this.renewHere(request.id));
      return ttl;
    });
  }

  /**
   * What was the leader before it stood still, or was cut off, must not promise what the one that leads now knows nothing of: as etcd's
   * `ensureLeadership`, a majority has to agree first. Whoever leads after that gives the lease its whole time.
   */
  private async renewHere(id: bigint): Promise<number> {
    const { replicator, lessor, metrics, linearize } = this.options;
    await linearize();
    if (!replicator.isLeader) throw clusterErrors.notLeader();
    const ttl = await lessor.renew(id);
    metrics.leasesRenewed.inc();
    return ttl;
  }

  private async statusHere(id: bigint): Promise<LeaseStatus> {
    const { replicator, lessor, leases, linearize } = this.options;
    // A new leader may not have applied yet what was granted under the one before.
    if (leases().get(id) === undefined) await linearize();
    if (!replicator.isLeader) throw clusterErrors.notLeader();
    const lease = leases().get(id);
    const ttl = lessor.remaining(id);
    if (lease === undefined || ttl === undefined) return { id, ttl: -1, grantedTtl: 0, keys: [] };
    return { id, ttl, grantedTtl: lease.ttl, keys: [...lease.keys].sort() };
  }
}
