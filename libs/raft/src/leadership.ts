import { type RaftConfig } from './config';
import { allMembers, type Configuration, isVoter } from './configuration';
import { Progress } from './progress';
import { ReadOnly } from './read-only';

/** What a leader knows and a follower does not. Made anew at each election: nothing of an earlier term of office can leak into it. */
export class Leadership {
  /** Of every member, this one included. */
  readonly progress = new Map<bigint, Progress>();
  readonly reads = new ReadOnly();
  /** Who is to lead next; 0n: nobody. Proposals are refused meanwhile, so that it can catch up. Given up after an election timeout. */
  transferee = 0n;
  /**
   * No membership change is proposed before this index is applied: there is one at a time (dissertation, 4.1). At first the index of the
   * leader's own first entry: what its predecessors left uncommitted may hold a change too.
   */
  pendingConfIndex: number;
  /** Data of this leader's entries that are proposed and not applied: what `maxUncommittedBytes` bounds. */
  uncommittedBytes = 0;
  /** Ticks since the last heartbeat. */
  heartbeatElapsed = 0;
  /** Followers may be owed an append: looked at once a `Ready`, so that what was proposed meanwhile travels together. */
  isReplicationDue = true;

  constructor(
    private readonly config: RaftConfig,
    configuration: Configuration,
    lastIndex: number,
  ) {
    this.pendingConfIndex = lastIndex + 1;
    this.follow(configuration, lastIndex);
    // Who has elected this leader has not followed it yet.
    for (const progress of this.progress.values()) progress.isActive = false;
  }

  /** Keeps what is known of members that stay. */
  follow(configuration: Configuration, lastIndex: number): void {
    const members = allMembers(configuration);
    for (const id of this.progress.keys()) if (!members.has(id)) this.progress.delete(id);
    for (const id of members) {
      if (!this.progress.has(id)) this.progress.set(id, this.newcomer(lastIndex));
    }
    // Who does not vote any more cannot stand for election.
    if (!isVoter(configuration, this.transferee)) this.transferee = 0n;
  }

  private newcomer(lastIndex: number): Progress {
    return new Progress(lastIndex, this.config.maxInflightMessages, this.config.maxInflightBytes);
  }
}
