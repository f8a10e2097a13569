import { encodeConfChange } from './conf-change';
import { ProposalDroppedError } from './errors';
import { Cluster, ELECTION_TICKS } from './testing/cluster.fixture';
import { NO_CONTEXT } from './testing/follower.fixture';
import { MemoryStorage, NOBODY } from './testing/memory-storage.fixture';

describe('a membership change', () => {
  const change = (...steps: ['add-voter' | 'add-learner' | 'remove', bigint][]) => ({
    steps: steps.map(([type, id]) => ({ type, id })),
    transition: 'auto' as const,
    context: NO_CONTEXT,
  });

  it('of several steps goes through a joint configuration and leaves it by itself', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    cluster.start(4n, new MemoryStorage());
    leader.node.proposeConfChange(change(['add-voter', 4n], ['add-learner', 3n]));
    cluster.tick(4);
    for (const id of [1n, 2n, 3n, 4n]) {
      const { confState } = cluster.get(id).node.status();
      expect(confState).toEqual({ ...NOBODY, voters: [1n, 2n, 4n], learners: [3n] });
    }
  });

  it('leaves the joint configuration as soon as a transfer that held it up is given up', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    cluster.drops = ({ type }) => type === 'timeout-now';
    leader.node.proposeConfChange(change(['add-learner', 4n], ['add-learner', 3n]));
    leader.node.transferLeadership(2n);
    cluster.settle();
    expect(leader.node.status().confState).toMatchObject({ votersOutgoing: [1n, 2n, 3n], autoLeave: true });
    cluster.tick(ELECTION_TICKS);
    expect(leader.node.status().confState).toEqual({ ...NOBODY, voters: [1n, 2n], learners: [3n, 4n] });
  });

  it('becomes an empty entry while another is pending, or if it is not possible', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    leader.node.proposeConfChange(change(['add-learner', 4n]));
    leader.node.proposeConfChange(change(['add-learner', 5n]));
    cluster.settle();
    expect(leader.node.status().confState.learners).toEqual([4n]);
    leader.node.proposeConfChange(change());
    leader.node.proposeConfChange(change(['remove', 1n], ['remove', 2n], ['remove', 3n]));
    const types = leader.node.ready().entries.map(({ type, data: { length } }) => [type, length]);
    expect(types).toEqual([
      ['normal', 0],
      ['normal', 0],
    ]);
  });

  it('that removes the leader makes it step down, and the others elect another', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1n).node.proposeConfChange(change(['remove', 1n]));
    cluster.settle();
    expect(cluster.get(1n).node.status()).toMatchObject({ role: 'follower', confState: { voters: [2n, 3n] } });
    expect(() => cluster.get(1n).node.propose(Buffer.from('a'))).toThrow(new ProposalDroppedError('not-a-member'));
    cluster.tick(ELECTION_TICKS - 1);
    cluster.tick(1, 3n);
    cluster.tick(1, 2n);
    expect(cluster.roles()).toBe('follower leader follower');
  });

  it('to fewer voters lets them agree at once on what waits', () => {
    const cluster = Cluster.of(2, { maxBytesPerMessage: 0 });
    const leader = cluster.elect(1n);
    cluster.drops = (message) =>
      message.type === 'heartbeat' || (message.type === 'append' && message.entries[0]?.type !== 'conf-change');
    leader.node.proposeConfChange(change(['remove', 2n]));
    leader.node.propose(Buffer.from('a'));
    leader.node.readIndex(1n);
    cluster.settle();
    expect(leader.node.status().confState.voters).toEqual([1n]);
    expect(leader.applied).toEqual(['a']);
    expect(leader.reads).toEqual([{ context: 1n, index: 2 }]);
  });

  it('is garbage to a member if it was never encoded', () => {
    const cluster = Cluster.of(1);
    const leader = cluster.elect(1n);
    const entry = { type: 'conf-change' as const, data: encodeConfChange(change(['remove', 1n])).subarray(0, 5) };
    leader.node.step({ type: 'propose', from: 2n, to: 1n, term: 0, entries: [entry] });
    cluster.settle();
    expect(leader.node.status().confState.voters).toEqual([1n]);
  });
});
