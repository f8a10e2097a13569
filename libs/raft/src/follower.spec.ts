import { ProposalDroppedError } from './errors';
import { type Message } from './message';
import { append, appendConfChange, follower } from './testing/follower.fixture';
import { votersOnly } from './testing/memory-storage.fixture';

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

  it('forwards what its own client asks to a leader, if there is one, and nothing that was forwarded', () => {
    const member = follower();
    expect(() => member.node.propose(Buffer.from('a'))).toThrow(new ProposalDroppedError('no-leader'));
    member.node.readIndex(1n);
    expect(member.work()).toEqual([]);
    member.node.step({ type: 'heartbeat', from: 1n, to: 2n, term: 2, commit: 0, context: 0n });
    member.work();
    member.node.propose(Buffer.from('a'));
    member.node.readIndex(2n);
    member.node.step({ type: 'read-index', from: 3n, to: 2n, term: 0, context: 3n });
    expect(member.work()).toMatchObject([
      { type: 'propose', to: 1n },
      { type: 'read-index', to: 1n, context: 2n },
    ]);
  });

  it('believes no heartbeat that commits what it lacks: it has lost it, and what it has may be wrong', () => {
    const member = follower();
    member.node.step(append(2, 1, 1, [2, 2]));
    member.node.step({ type: 'heartbeat', from: 1n, to: 2n, term: 2, commit: 4, context: 0n });
    expect(member.node.status()).toMatchObject({ lastIndex: 3, commit: 1 });
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

  it('votes again for whom it has voted for, whose answer may be lost, and for nobody else', () => {
    const member = follower();
    const vote = { type: 'vote', to: 2n, term: 2, index: 1, logTerm: 1, isTransfer: false } as const;
    for (const from of [1n, 3n, 1n]) member.node.step({ ...vote, from });
    expect(member.work().map((message) => message.type === 'vote-response' && message.reject)).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('keeps what it has when an append from before comes again', () => {
    const member = follower();
    member.node.step(append(3, 1, 1, [2, 2, 3]));
    member.work();
    member.node.step(append(3, 1, 1, [2]));
    member.node.step(append(3, 1, 1, [2, 2]));
    member.node.step(append(3, 4, 3, []));
    expect(member.work()).toMatchObject([{ index: 2 }, { index: 3 }, { index: 4 }]);
    expect(member.storage.lastIndex()).toBe(4);
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
    expect(member.node.status().lastIndex).toBe(3);
    expect(member.node.hasReady()).toBe(false);
  });

  it('does not go back to an older snapshot, and takes one that it has as news of the commit', () => {
    const member = follower();
    member.node.step(append(2, 1, 1, [2, 2, 2, 2, 2], 4));
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
    expect(member.node.status()).toMatchObject({ commit: 5, lastIndex: 6 });
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
