import { Cluster, ELECTION_TICKS } from './testing/cluster.fixture';

describe('an election', () => {
  it('asks beforehand, then for votes, and the winner begins its term with an empty entry', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1n);
    expect(cluster.roles()).toBe('leader follower follower');
    expect(cluster.transcript.slice(0, 8)).toEqual([
      '1>2 pre-vote t2 @1/1',
      '1>3 pre-vote t2 @1/1',
      '2>1 pre-vote-response t2 yes',
      '3>1 pre-vote-response t2 yes',
      '1>2 vote t2 @1/1',
      '1>3 vote t2 @1/1',
      '2>1 vote-response t2 yes',
      '3>1 vote-response t2 yes',
    ]);
    expect(cluster.get(1n).node.status()).toMatchObject({ term: 2, vote: 1n, leader: 1n, commit: 2, applied: 2 });
    expect(cluster.get(1n).storage.entry(2)?.data).toHaveLength(0);
    expect(cluster.get(3n).node.status()).toMatchObject({ term: 2, vote: 1n, leader: 1n, commit: 2, applied: 2 });
  });

  it('is won at once by a single voter, without an election timeout', () => {
    const cluster = Cluster.of(1);
    cluster.elect(1n);
    expect(cluster.roles()).toBe('leader');
    expect(cluster.transcript).toEqual([]);
  });

  it.each([
    [0, ELECTION_TICKS],
    [0.999, 2 * ELECTION_TICKS - 1],
  ])('begins when a follower has heard nothing for an election timeout (chance %d: %d ticks)', (chance, ticks) => {
    const cluster = Cluster.of(3, { random: () => chance });
    cluster.tick(ticks - 1);
    expect(cluster.roles()).toBe('follower follower follower');
    cluster.tick(1, 2n);
    expect(cluster.roles()).toBe('follower leader follower');
  });
});

describe('replication', () => {
  it('commits what a majority has, and tells everybody', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    cluster.isolate(3n);
    leader.node.propose(Buffer.from('a'));
    cluster.settle();
    expect(cluster.get(2n).applied).toEqual(['a']);
    expect(cluster.get(3n).applied).toEqual([]);
    cluster.heal();
    cluster.tick(2);
    expect(cluster.get(3n).applied).toEqual(['a']);
  });

  it('takes proposals and reads from followers', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1n);
    cluster.get(2n).node.propose(Buffer.from('a'));
    cluster.settle();
    cluster.get(3n).node.readIndex(7n);
    cluster.settle();
    expect(cluster.get(1n).applied).toEqual(['a']);
    expect(cluster.get(3n).reads).toEqual([{ context: 7n, index: 3 }]);
  });
});
