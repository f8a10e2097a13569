import { Cluster, ELECTION_TICKS } from './testing/cluster.fixture';
import { NO_CONTEXT } from './testing/follower.fixture';
import { MemoryStorage, votersOnly } from './testing/memory-storage.fixture';

describe('terms', () => {
  it('are guarded by the lease: who hears a leader gives no vote, except for a transfer', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1n);
    const vote = { type: 'vote', from: 3n, to: 2n, term: 9, index: 9, logTerm: 8, isTransfer: false } as const;
    cluster.get(2n).node.step(vote);
    expect(cluster.get(2n).node.status().term).toBe(2);
    cluster.get(2n).node.step({ ...vote, isTransfer: true });
    expect(cluster.get(2n).node.status()).toMatchObject({ term: 9, vote: 3n });
  });

  it('may end when the leader has not been heard for an election timeout', () => {
    const cluster = Cluster.of(3, { random: () => 0.5 });
    cluster.elect(1n);
    const vote = { type: 'vote', from: 3n, to: 2n, term: 9, index: 9, logTerm: 8, isTransfer: false } as const;
    const member = cluster.get(2n).node;
    for (let tick = 0; tick < ELECTION_TICKS; tick++) {
      member.step(vote);
      expect(member.status().term).toBe(2);
      member.tick();
    }
    member.step(vote);
    expect(member.status()).toMatchObject({ term: 9, vote: 3n });
  });

  it('last as long as the leader is heard', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1n);
    cluster.transcript = [];
    cluster.tick(5 * ELECTION_TICKS);
    expect(cluster.transcript.filter((line) => line.includes('vote'))).toEqual([]);
    expect(cluster.roles()).toBe('leader follower follower');
  });

  it('are learnt from who refuses: the one with the longer log has the lower one, and has to win', () => {
    const cluster = Cluster.of(2);
    const [ahead, behind] = [MemoryStorage.of(votersOnly(1n, 2n)), MemoryStorage.of(votersOnly(1n, 2n))];
    ahead.persist({ entries: [{ term: 1, index: 2, type: 'normal', data: NO_CONTEXT }] });
    behind.hardState = { term: 7, vote: 0n, commit: 1 };
    cluster.start(1n, ahead);
    cluster.start(2n, behind);
    cluster.tick(4 * ELECTION_TICKS);
    expect(cluster.roles()).toBe('leader follower');
  });

  it('do not rise while a member is cut off, and it comes back without an election', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1n);
    cluster.isolate(3n);
    cluster.tick(5 * ELECTION_TICKS);
    cluster.heal();
    cluster.tick(ELECTION_TICKS);
    expect(cluster.roles()).toBe('leader follower follower');
    expect(cluster.get(3n).node.status().term).toBe(2);
  });

  it('bring a member with a higher one back: its answer deposes the leader', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1n);
    cluster
      .get(3n)
      .node.step({ type: 'vote-response', from: 2n, to: 3n, term: 7, reject: true, commit: 0, commitTerm: 0 });
    cluster.tick(4 * ELECTION_TICKS);
    const terms = [...cluster.members.values()].map(({ node }) => node.status().term);
    expect(new Set(terms).size).toBe(1);
    expect(terms[0]).toBeGreaterThan(7);
    expect(cluster.roles()).toContain('leader');
  });

  it('end when a leader has no quorum for an election timeout', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1n);
    cluster.isolate(1n);
    cluster.tick(2 * ELECTION_TICKS, 1n);
    expect(cluster.get(1n).node.status()).toMatchObject({ role: 'follower', leader: 0n });
  });

  it('end no later when nobody has answered the leader yet', () => {
    const cluster = Cluster.of(3);
    cluster.drops = ({ type }) => type === 'append' || type === 'heartbeat';
    cluster.tick(ELECTION_TICKS / 2, 1n);
    cluster.elect(1n);
    cluster.tick(ELECTION_TICKS - 1, 1n);
    expect(cluster.get(1n).node.status().role).toBe('leader');
    cluster.get(1n).node.tick();
    expect(cluster.get(1n).node.status().role).toBe('follower');
    expect(cluster.get(1n).work()).toEqual([]);
  });

  it('of a member that was removed do not depose those who have asked it before', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    const steps = [{ type: 'remove', id: 3n }] as const;
    leader.node.proposeConfChange({ steps, transition: 'auto', context: NO_CONTEXT });
    cluster.settle();
    leader.node.step({ type: 'heartbeat-response', from: 3n, to: 1n, term: 9, context: 0n });
    expect(leader.node.status()).toMatchObject({ role: 'leader', term: 2 });
  });
});
