import { type SoftState } from '#raft';
import { type Clock } from '#machinery';
import { type StoreError } from '../key-value-store';
import { clusterErrors } from './cluster-errors';

const NOBODY: SoftState = { leader: 0n, role: 'follower' };

/** Who leads as far as this member knows, since when, and who waits for that to change. */
export class LeaderWatch {
  private soft = NOBODY;
  private since = -Infinity;
  private readonly waiters = new Set<() => void>();

  /** @param electionMs how long a follower hears nothing before it stands for election */
  constructor(
    private readonly clock: Clock,
    readonly electionMs: number,
  ) {}

  /** 0n: nobody that is known. */
  get leader(): bigint {
    return this.soft.leader;
  }

  /** This member leads. */
  get isHere(): boolean {
    return this.soft.role === 'leader';
  }

  get isFollower(): boolean {
    return this.soft.role === 'follower';
  }

  /** @returns whether it is another leader, or none any more */
  update(soft: SoftState): boolean {
    const isNew = soft.leader !== this.soft.leader;
    this.soft = soft;
    if (isNew && soft.leader !== 0n) this.since = this.clock.monotonic();
    return isNew;
  }

  /** Raft has started over. */
  forget(): void {
    this.soft = NOBODY;
  }

  /** Resolves at the next `wake`, or after `ms`. */
  change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.waiters.delete(done);
        resolve();
      };
      const timer = this.clock.setTimer(ms, done);
      this.waiters.add(done);
    });
  }

  wake(): void {
    for (const waiter of [...this.waiters]) waiter();
  }

  /** What an earlier leader was asked, and a new one has not brought within an election's time, went down with it. */
  lostBefore(): number {
    const isSettled = this.clock.monotonic() - this.since > this.electionMs;
    return isSettled ? this.since : -Infinity;
  }

  /** Of a request that was begun then. As etcd's `parseProposeCtxErr`. */
  timeoutOf(startedAt: number): StoreError {
    const lost = this.since - 2 * this.electionMs;
    if (startedAt > lost && startedAt < this.since) return clusterErrors.timeoutDueToLeaderFailure();
    return clusterErrors.timeout();
  }
}
