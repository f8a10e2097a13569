import { type Clock } from '#machinery';
import { type RaftStatus } from '#raft';
import { type Replicator } from './replicator';

/**
 * A leader that is about to stop lets another lead first, as etcd's does, so that nobody has to wait for an election. Resolves when
 * another does, or when that has taken as long as an election would.
 */
export async function handOver(replicator: Replicator, clock: Clock): Promise<void> {
  const mayHandOver = replicator.isLeader && replicator.failure === undefined;
  const heir = mayHandOver ? heirIn(replicator.status()) : undefined;
  if (heir === undefined) return;
  replicator.transferLeadership(heir);
  for (const deadline = clock.monotonic() + replicator.electionMs; replicator.isLeader || replicator.leader === 0n;) {
    const left = deadline - clock.monotonic();
    if (left <= 0 || replicator.failure !== undefined) return;
    await replicator.leaderChange(left);
  }
}

/** Who has most of the log, of those that are there and may lead. */
function heirIn({ id: self, progress }: RaftStatus): bigint | undefined {
  const heirs = [...progress].filter(([id, { isActive, isLearner }]) => id !== self && isActive && !isLearner);
  return heirs.sort(([, a], [, b]) => b.match - a.match)[0]?.[0];
}
