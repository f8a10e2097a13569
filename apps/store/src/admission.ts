import { type etcdserverpb, kvService, maintenanceService } from '#etcd';
import { type Clock } from '#machinery';
import { type Standing, StoreError } from '#store';
import { LeaderMonitor, noLeader } from './leader-monitor';

/** What a learner does for clients: nothing that would need its vote. */
const BY_LEARNERS: ReadonlySet<string> = new Set([maintenanceService.status.path, maintenanceService.snapshot.path]);

/** etcd's interceptors: what a member refuses, whoever asks, because of how it stands in its cluster. */
export class Admission {
  private readonly leaders: LeaderMonitor;

  constructor(
    clock: Clock,
    private readonly standing: () => Standing,
  ) {
    this.leaders = new LeaderMonitor(clock, () => this.standing().hasLeader);
  }

  /** @param insists the client's metadata say that it wants nothing of a member without a leader */
  refusal(path: string, request: unknown, insists: boolean): StoreError | undefined {
    const { hasLeader, isLearner } = this.standing();
    if (isLearner && !BY_LEARNERS.has(path) && !isSerializableRange(path, request)) {
      return new StoreError('unavailable', 'etcdserver: rpc not supported for learner');
    }
    return insists && !hasLeader ? noLeader() : undefined;
  }

  /** Of a client that insists on a leader. @returns for when it is over */
  keepStream(end: (error: StoreError) => void): () => void {
    return this.leaders.add(end);
  }
}

function isSerializableRange(path: string, request: unknown): boolean {
  return path === kvService.range.path && (request as etcdserverpb.RangeRequest).serializable;
}
