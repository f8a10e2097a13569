import { encodeConfChange } from './conf-change';
import { ProposalDroppedError } from './errors';
import { type Message } from './message';
import { Cluster, ELECTION_TICKS, Member } from './testing/cluster.fixture';
import { MemoryStorage, NOBODY, votersOnly } from './testing/memory-storage.fixture';

const data = (text: string): Buffer => Buffer.from(text);
const NO_CONTEXT = Buffer.alloc(0);

/** A member of three that is told everything by the test. */
function follower(): Member {
  return new Member(2n, MemoryStorage.of(votersOnly(1n, 2n, 3n)));
}

function append(term: number, index: number, logTerm: number, terms: readonly number[], commit = 0): Message {
  const entries = terms.map((entryTerm, position) => ({
    term: entryTerm,
    index: index + 1 + position,
    type: 'normal' as const,
    data: data(`${index + 1 + position}/${entryTerm}`),
  }));
  return { type: 'append', from: 1n, to: 2n, term, index, logTerm, entries, commit };
}

/** Entry 2, of term 2: a membership change. */
function appendConfChange(commit: number): Message {
  const change = { steps: [{ type: 'remove', id: 3n }], transition: 'auto', context: NO_CONTEXT } as const;
  const entry = { term: 2, index: 2, type: 'conf-change', data: encodeConfChange(change) } as const;
  return { type: 'append', from: 1n, to: 2n, term: 2, index: 1, logTerm: 1, entries: [entry], commit };
}

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
});

describe('a follower', () => {
  it('refuses an append that does not fit, and says where the logs may agree', () => {
    const member = follower();
    member.node.step(append(2, 1, 1, [2, 2, 2]));
    member.work();
    member.node.step(append(5, 9, 4, [5]));
    expect(member.work()).toMatchObject([
      { type: 'append-response', reject: true, index: 9, hintIndex: 4, hintTerm: 2 },
    ]);
  });

  it('commits no further than the append matches', () => {
    const member = follower();
    member.node.step(append(2, 1, 1, [2, 2, 2]));
    member.work();
    // The tail 3/2 4/2 is unknown to the new leader, which has committed its own 3 and 4.
    member.node.step(append(3, 2, 2, [], 4));
    member.work();
    expect(member.node.status()).toMatchObject({ lastIndex: 4, commit: 2 });
  });

  it('acknowledges no more than what matches, however much it has', () => {
    const member = follower();
    member.node.step(append(2, 1, 1, [2, 2, 2], 3));
    member.work();
    // Twice what it knows already, and then what lies before what it knows to be committed.
    member.node.step(append(3, 2, 2, [2]));
    member.node.step(append(3, 1, 1, [2]));
    const said = member.work().filter(({ type }) => type === 'append-response');
    expect(said).toMatchObject([{ index: 3 }, { index: 3 }]);
    expect(member.node.status().lastIndex).toBe(4);
  });

  it('has on its disk that a membership change is committed before it applies it', () => {
    const member = follower();
    member.node.step(appendConfChange(0));
    member.work();
    member.node.step({ type: 'heartbeat', from: 1n, to: 2n, term: 2, commit: 2, context: 0n });
    const ready = member.node.ready();
    expect(ready).toMatchObject({
      hardState: { commit: 2 },
      committedEntries: [{ type: 'conf-change' }],
      mustSync: true,
    });
  });

  it('keeps what is stored right when entries are overwritten before they are durable', () => {
    const member = follower();
    member.node.step(append(2, 1, 1, [2, 2, 2]));
    const ready = member.node.ready();
    member.node.step(append(3, 2, 2, [3]));
    const said = member.finish(ready);
    expect(said).toMatchObject([{ type: 'append-response', term: 2, index: 4 }]);
    const next = member.node.ready();
    expect(next.entries.map(({ index, term }) => [index, term])).toContainEqual([3, 3]);
    member.finish(next);
    expect(member.storage.lastIndex()).toBe(3);
    expect(member.storage.term(3)).toBe(3);
  });

  it('does not go back to an older snapshot, and takes one that it has as news of the commit', () => {
    const member = follower();
    member.node.step(append(2, 1, 1, [2, 2, 2, 2], 4));
    member.work();
    member.storage.compact(4);
    const snapshot = (index: number): Message => ({
      type: 'snapshot',
      from: 1n,
      to: 2n,
      term: 2,
      snapshot: { index, term: 2, confState: votersOnly(1n, 2n, 3n) },
    });
    member.node.step(snapshot(3));
    expect(member.work()).toMatchObject([{ type: 'append-response', index: 4, reject: false }]);
    member.node.step(snapshot(5));
    expect(member.node.ready().snapshot).toBeUndefined();
    expect(member.node.status()).toMatchObject({ commit: 5, lastIndex: 5 });
  });

  it('drops garbage', () => {
    const member = follower();
    const before = member.node.status();
    const [gap] = [append(2, 1, 1, [2, 2])];
    if (gap.type !== 'append') throw new Error('not an append');
    for (const message of [
      { ...gap, entries: gap.entries.slice(1) },
      { ...gap, index: -1 },
      { ...gap, index: 1.5 },
      { ...gap, to: 3n },
      { ...gap, from: 0n },
      { ...gap, term: Number.NaN },
      append(2, 1, 1, [3]),
    ]) {
      member.node.step(message);
    }
    expect(member.node.status()).toEqual(before);
    expect(member.node.hasReady()).toBe(false);
  });
});

describe('a candidate', () => {
  const refusal = { type: 'pre-vote-response', from: 3n, to: 2n, term: 2, reject: true } as const;

  it('learns from a refusal what is committed, if its log has it', () => {
    const member = follower();
    member.node.step(append(2, 1, 1, [2, 2]));
    member.work();
    member.node.campaign();
    member.node.step({ ...refusal, commit: 3, commitTerm: 9 });
    expect(member.node.status().commit).toBe(1);
    member.node.step({ ...refusal, commit: 3, commitTerm: 2 });
    expect(member.node.status().commit).toBe(3);
  });

  it('is nobody who has not applied a membership change that is committed, whether it is written or not', () => {
    const member = follower();
    member.node.step(appendConfChange(2));
    member.node.campaign();
    expect(member.node.status().role).toBe('follower');
    const ready = member.node.ready();
    member.storage.persist(ready);
    member.node.campaign();
    member.node.step({ type: 'timeout-now', from: 1n, to: 2n, term: 2 });
    expect(member.node.status()).toMatchObject({ role: 'follower', term: 2 });
    const restarted = new Member(2n, member.storage.copy());
    restarted.node.campaign();
    expect(restarted.node.status()).toMatchObject({ role: 'follower', commit: 2, applied: 1 });
    member.finish(ready);
    member.node.campaign();
    expect(member.node.status()).toMatchObject({ role: 'pre-candidate', confState: { voters: [1n, 2n] } });
  });

  it('may have on its disk a membership change in whose place another entry was committed', () => {
    const member = follower();
    member.node.step(appendConfChange(1));
    member.work();
    member.node.step(append(3, 1, 1, [3], 2));
    expect(member.storage.entry(2)?.type).toBe('conf-change');
    member.node.campaign();
    expect(member.node.status()).toMatchObject({ role: 'pre-candidate', commit: 2, applied: 1 });
  });

  it('gives up when an answer tells it that a membership change is committed', () => {
    const member = follower();
    member.node.step(appendConfChange(1));
    member.work();
    member.node.campaign();
    expect(member.node.status().role).toBe('pre-candidate');
    member.node.step({ ...refusal, reject: false, term: 3, commit: 2, commitTerm: 2 });
    expect(member.node.status()).toMatchObject({ role: 'follower', term: 2, commit: 2 });
  });

  it('asks for votes, and counts its own, only when its term is durable', () => {
    const member = new Member(1n, MemoryStorage.of(votersOnly(1n)));
    member.node.campaign();
    const ready = member.node.ready();
    expect(ready).toMatchObject({ hardState: { term: 2, vote: 1n }, mustSync: true });
    expect(member.node.status().role).toBe('candidate');
    member.finish(ready);
    expect(member.node.status().role).toBe('leader');
  });
});

describe('a leader', () => {
  it('sends what was proposed between two Readys in one append, before it is durable', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    for (const text of ['a', 'b', 'c']) leader.node.propose(data(text));
    const ready = leader.node.ready();
    expect(ready.messages.map((message) => message.type === 'append' && message.entries.length)).toEqual([3, 3]);
    expect(ready.entries).toHaveLength(3);
  });

  it('has no more appends under way than the window takes, and recovers when all are lost', () => {
    const cluster = Cluster.of(3, { maxBytesPerMessage: 0, maxInflightMessages: 2 });
    const leader = cluster.elect(1n);
    cluster.isolate(3n);
    for (const text of ['a', 'b', 'c', 'd', 'e']) leader.node.propose(data(text));
    const ready = leader.node.ready();
    expect(ready.messages.filter(({ to }) => to === 3n)).toHaveLength(2);
    for (const message of leader.finish(ready)) cluster.deliver(message);
    cluster.settle();
    cluster.heal();
    cluster.tick(3);
    expect(cluster.get(3n).applied).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('refuses what is too much uncommitted, but neither the first nor an empty one', () => {
    const cluster = Cluster.of(3, { maxUncommittedBytes: 4 });
    const leader = cluster.elect(1n);
    leader.node.propose(data('too long'));
    expect(() => leader.node.propose(data('x'))).toThrow(new ProposalDroppedError('too-much-uncommitted'));
    leader.node.propose(Buffer.alloc(0));
    cluster.settle();
    leader.node.propose(data('x'));
  });

  it('sends a snapshot to a follower that needs what is gone, and goes on from there', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    cluster.isolate(3n);
    for (const text of ['a', 'b', 'c']) leader.node.propose(data(text));
    cluster.settle();
    leader.storage.latest = { index: 5, term: 2, confState: votersOnly(1n, 2n, 3n) };
    leader.storage.compact(5);
    cluster.heal();
    cluster.tick(2);
    expect(leader.node.status().progress.get(3n)).toMatchObject({ state: 'replicate', match: 5 });
    leader.node.propose(data('d'));
    cluster.settle();
    expect(cluster.get(3n).applied).toEqual(['d']);
  });

  it('waits for the report on a snapshot, and tries again when it failed', () => {
    const cluster = Cluster.withConfState({ ...votersOnly(1n), learners: [2n] }, [1n]);
    const leader = cluster.elect(1n);
    cluster.start(2n, new MemoryStorage());
    cluster.drops = ({ type }) => type === 'snapshot';
    cluster.tick(2);
    expect(leader.node.status().progress.get(2n)).toMatchObject({ state: 'snapshot', pendingSnapshot: 1 });
    cluster.heal();
    cluster.tick(2 * ELECTION_TICKS);
    expect(cluster.get(2n).node.status().lastIndex).toBe(0);
    leader.node.reportSnapshot(2n, 'failed');
    cluster.tick(3);
    expect(cluster.get(2n).node.status()).toMatchObject({ lastIndex: 2, confState: { voters: [1n], learners: [2n] } });
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

  it('hands over to a member that has everything, and takes no proposals meanwhile', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    leader.node.propose(data('a'));
    leader.node.transferLeadership(3n);
    expect(() => leader.node.propose(data('b'))).toThrow(new ProposalDroppedError('transferring'));
    cluster.settle();
    expect(cluster.roles()).toBe('follower follower leader');
    expect(cluster.get(3n).applied).toEqual(['a']);
  });

  it('gives a transfer up after an election timeout, and begins none to a learner or a stranger', () => {
    const cluster = Cluster.withConfState({ ...votersOnly(1n, 2n, 3n), learners: [4n] }, [1n, 2n, 3n, 4n]);
    const leader = cluster.elect(1n);
    for (const id of [4n, 9n, 1n]) leader.node.transferLeadership(id);
    expect(leader.node.status().transferee).toBe(0n);
    cluster.isolate(3n);
    leader.node.transferLeadership(3n);
    cluster.tick(ELECTION_TICKS - 1);
    expect(leader.node.status().transferee).toBe(3n);
    cluster.tick(1);
    expect(leader.node.status()).toMatchObject({ role: 'leader', transferee: 0n });
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
    expect(() => cluster.get(1n).node.propose(data('a'))).toThrow(new ProposalDroppedError('not-a-member'));
    cluster.tick(ELECTION_TICKS - 1);
    cluster.tick(1, 3n);
    cluster.tick(1, 2n);
    expect(cluster.roles()).toBe('follower leader follower');
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
