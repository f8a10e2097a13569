import { ELECTION_TICKS, Member } from './testing/cluster.fixture';
import { append, appendConfChange, follower } from './testing/follower.fixture';
import { MemoryStorage, votersOnly } from './testing/memory-storage.fixture';

describe('a candidate', () => {
  const refusal = { type: 'pre-vote-response', from: 3n, to: 2n, term: 2, reject: true } as const;

  it('is told by who refuses what that one knows to be committed', () => {
    const member = follower();
    member.node.step(append(2, 1, 1, [2, 2], 2));
    member.work();
    for (let tick = 0; tick < ELECTION_TICKS; tick++) member.node.tick();
    member.work();
    member.node.step({ type: 'pre-vote', from: 3n, to: 2n, term: 3, index: 1, logTerm: 1, isTransfer: false });
    expect(member.work()).toMatchObject([{ type: 'pre-vote-response', reject: true, commit: 2, commitTerm: 2 }]);
  });

  it('gives up when a majority has refused', () => {
    const member = follower();
    member.node.campaign();
    for (const from of [1n, 3n]) {
      expect(member.node.status().role).toBe('pre-candidate');
      member.node.step({ ...refusal, from, term: 1, commit: 1, commitTerm: 1 });
    }
    expect(member.node.status().role).toBe('follower');
  });

  it('learns from a refusal what is committed, if its log has it', () => {
    const member = follower();
    member.node.step(append(2, 1, 1, [2, 2, 2]));
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

  it('is nobody whose log is about to be replaced by a snapshot', () => {
    const member = follower();
    const snapshot = { index: 9, term: 2, confState: votersOnly(1n, 2n, 3n) };
    member.node.step({ type: 'snapshot', from: 1n, to: 2n, term: 2, snapshot });
    member.node.campaign();
    expect(member.node.status().role).toBe('follower');
    member.work();
    member.node.campaign();
    expect(member.node.status().role).toBe('pre-candidate');
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
