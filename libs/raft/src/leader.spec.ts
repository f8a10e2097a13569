import { ProposalDroppedError } from './errors';
import { Cluster, ELECTION_TICKS, Member } from './testing/cluster.fixture';
import { NO_CONTEXT } from './testing/follower.fixture';
import { MemoryStorage, votersOnly } from './testing/memory-storage.fixture';

const data = (text: string): Buffer => Buffer.from(text);

describe('a leader', () => {
  it('refuses what is too much uncommitted, but neither the first nor an empty one', () => {
    const cluster = Cluster.of(3, { maxUncommittedBytes: 4 });
    const leader = cluster.elect(1n);
    leader.node.propose(data('too long'));
    expect(() => leader.node.propose(data('x'))).toThrow(new ProposalDroppedError('too-much-uncommitted'));
    leader.node.propose(Buffer.alloc(0));
    cluster.settle();
    leader.node.propose(data('x'));
  });

  it('tells who is there at any moment, also when check-quorum has just looked', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    const active = (): boolean[] => [2n, 3n].map((id) => leader.node.status().progress.get(id)?.isActive === true);
    cluster.tick(ELECTION_TICKS - 1);
    leader.node.tick();
    expect(active()).toEqual([true, true]);
    cluster.isolate(3n);
    cluster.tick(2 * ELECTION_TICKS);
    expect(active()).toEqual([true, false]);
    cluster.heal();
    cluster.tick(1);
    expect(active()).toEqual([true, true]);
  });

  it('answers reads only after a round of heartbeats, one for all that wait', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    leader.node.readIndex(1n);
    leader.node.readIndex(2n);
    const ready = leader.node.ready();
    expect(ready.readStates).toEqual([]);
    expect(ready.messages.filter(({ type }) => type === 'heartbeat')).toHaveLength(2);
    for (const message of leader.finish(ready)) cluster.deliver(message);
    cluster.settle();
    expect(leader.reads).toEqual([
      { context: 1n, index: 2 },
      { context: 2n, index: 2 },
    ]);
  });

  it('answers reads that came before it knew what is committed as soon as it does', () => {
    const cluster = Cluster.of(3);
    cluster.drops = ({ type }) => type === 'append';
    const leader = cluster.elect(1n);
    leader.node.readIndex(1n);
    cluster.settle();
    expect(leader.reads).toEqual([]);
    cluster.heal();
    cluster.tick(2);
    expect(leader.reads).toEqual([{ context: 1n, index: 2 }]);
  });

  it('lets nobody confirm a round of heartbeats that has not begun', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    const { term } = leader.node.status();
    leader.node.step({ type: 'heartbeat-response', from: 2n, to: 1n, term, context: (1n << 64n) - 1n });
    cluster.isolate(1n);
    leader.node.readIndex(1n);
    cluster.settle();
    expect(leader.reads).toEqual([]);
  });

  it('does not answer reads once it is cut off', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    cluster.isolate(1n);
    leader.node.readIndex(1n);
    cluster.tick(3 * ELECTION_TICKS);
    cluster.heal();
    cluster.tick(ELECTION_TICKS);
    expect(leader.reads).toEqual([]);
  });

  it('counts as uncommitted what it has proposed itself, and not what it has found', () => {
    const storage = MemoryStorage.of(votersOnly(1n));
    storage.persist({ entries: [{ term: 1, index: 2, type: 'normal', data: data('found') }] });
    const member = new Member(1n, storage, { maxUncommittedBytes: 4 });
    member.node.campaign();
    member.work();
    expect(member.applied).toEqual(['found']);
    member.node.propose(data('1234'));
    expect(() => member.node.propose(data('5'))).toThrow(new ProposalDroppedError('too-much-uncommitted'));
    member.work();
    member.node.propose(data('12'));
    member.node.propose(data('34'));
  });

  it('tells once, and only a change, who leads', () => {
    const member = new Member(1n, MemoryStorage.of(votersOnly(1n)));
    const states: unknown[] = [];
    member.node.campaign();
    while (member.node.hasReady()) {
      const ready = member.node.ready();
      if (ready.softState !== undefined) states.push(ready.softState);
      member.finish(ready);
    }
    expect(states).toEqual([
      { leader: 0n, role: 'candidate' },
      { leader: 1n, role: 'leader' },
    ]);
  });

  it('leads on when it is told to stand', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1n).node.campaign();
    expect(cluster.get(1n).node.status()).toMatchObject({ role: 'leader', term: 2 });
  });

  it('hands over to a member that has everything, and takes no proposals meanwhile', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    leader.node.propose(data('a'));
    leader.node.transferLeadership(3n);
    expect(() => leader.node.propose(data('b'))).toThrow(new ProposalDroppedError('transferring'));
    cluster.settle();
    expect(cluster.roles()).toBe('follower follower leader');
    expect(cluster.get(3n).applied).toEqual(['a']);
    // At once, if nothing is missing.
    cluster.get(3n).node.transferLeadership(2n);
    cluster.settle();
    expect(cluster.roles()).toBe('follower leader follower');
  });

  it('gives a transfer up after an election timeout, and begins none to a learner or a stranger', () => {
    const cluster = Cluster.withConfState({ ...votersOnly(1n, 2n, 3n), learners: [4n] }, [1n, 2n, 3n, 4n]);
    const leader = cluster.elect(1n);
    for (const id of [1n, 4n, 9n]) {
      leader.node.transferLeadership(id);
      expect(leader.node.status().transferee).toBe(0n);
    }
    cluster.tick(ELECTION_TICKS / 2);
    cluster.isolate(3n);
    leader.node.transferLeadership(3n);
    cluster.tick(ELECTION_TICKS - 1);
    expect(leader.node.status().transferee).toBe(3n);
    cluster.tick(1);
    expect(leader.node.status()).toMatchObject({ role: 'leader', transferee: 0n });
  });

  it('calls a transfer off when it is asked to hand over to itself', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    cluster.isolate(3n);
    leader.node.transferLeadership(3n);
    leader.node.transferLeadership(1n);
    expect(leader.node.status()).toMatchObject({ role: 'leader', transferee: 0n });
    leader.node.propose(data('a'));
  });

  it('gives a transfer up when a change that was under way takes the vote of the one that was to lead', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    cluster.drops = ({ type }) => type === 'timeout-now';
    const steps = [{ type: 'add-learner', id: 3n }] as const;
    leader.node.proposeConfChange({ steps, transition: 'auto', context: NO_CONTEXT });
    leader.node.transferLeadership(3n);
    expect(leader.node.status().transferee).toBe(3n);
    cluster.settle();
    expect(leader.node.status()).toMatchObject({ transferee: 0n, confState: { voters: [1n, 2n], learners: [3n] } });
    leader.node.propose(data('a'));
  });
});
