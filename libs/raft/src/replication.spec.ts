import { type Message } from './message';
import { Cluster, ELECTION_TICKS } from './testing/cluster.fixture';
import { MemoryStorage, votersOnly } from './testing/memory-storage.fixture';

const data = (text: string): Buffer => Buffer.from(text);
const to = (id: bigint, messages: readonly Message[]): Message[] => messages.filter((message) => message.to === id);
const terms = (term: number, count: number): number[] => Array.from({ length: count }, () => term);

/** Of one of two voters: entries of these terms after the beginning. */
function storageOf(log: readonly number[]): MemoryStorage {
  const storage = MemoryStorage.of(votersOnly(1n, 2n));
  const entries = log.map((term, position) => ({ term, index: position + 2, type: 'normal' as const, data: data('') }));
  storage.persist({ entries, hardState: { term: 5, vote: 0n, commit: 1 } });
  return storage;
}

describe('a leader that replicates', () => {
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

  it('has no more bytes under way than the window takes', () => {
    const cluster = Cluster.of(3, { maxBytesPerMessage: 0, maxInflightBytes: 4 });
    const leader = cluster.elect(1n);
    for (const text of ['12', '34', '56']) leader.node.propose(data(text));
    const ready = leader.node.ready();
    const indexes = to(3n, ready.messages).map((message) => message.type === 'append' && message.index);
    expect(indexes).toEqual([2, 3]);
    const arrived = { type: 'append-response', from: 3n, to: 1n, term: 2, reject: false } as const;
    leader.node.step({ ...arrived, index: 3, hintIndex: 0, hintTerm: 0 });
    leader.finish(ready);
    expect(to(3n, leader.work())).toMatchObject([{ type: 'append', index: 4 }]);
  });

  it('shows with an empty append that those in a full window were lost', () => {
    const cluster = Cluster.of(3, { maxBytesPerMessage: 0, maxInflightMessages: 2 });
    const leader = cluster.elect(1n);
    cluster.isolate(3n);
    for (const text of ['a', 'b', 'c']) leader.node.propose(data(text));
    cluster.settle();
    leader.node.step({ type: 'heartbeat-response', from: 3n, to: 1n, term: 2, context: 0n });
    expect(to(3n, leader.work())).toMatchObject([{ type: 'append', index: 4, entries: [] }]);
  });

  it('sends one append at a time before it knows where the logs agree', () => {
    const cluster = Cluster.of(3);
    cluster.isolate(3n);
    const leader = cluster.elect(1n);
    leader.node.propose(data('a'));
    expect(to(3n, leader.work())).toEqual([]);
  });

  it('finds that place a term at a time (section 5.3), without waiting for a heartbeat', () => {
    const cluster = Cluster.of(2);
    const logs = { 1: [...terms(2, 19), ...terms(5, 20)], 2: [...terms(2, 9), ...terms(4, 40)] };
    for (const [id, log] of Object.entries(logs)) cluster.start(BigInt(id), storageOf(log));
    const leader = cluster.elect(1n);
    expect(cluster.transcript.filter((line) => line.startsWith('1>2 append')).slice(0, 3)).toEqual([
      expect.stringMatching(/@40\/5 /),
      expect.stringMatching(/@20\/2 /),
      expect.stringMatching(/@10\/2 /),
    ]);
    expect(leader.node.status().progress.get(2n)).toMatchObject({ state: 'replicate', match: 41 });
  });

  it('tells of a commit that its own disk has decided', () => {
    const cluster = Cluster.of(2);
    const leader = cluster.elect(1n);
    leader.node.propose(data('a'));
    const ready = leader.node.ready();
    for (const message of ready.messages) cluster.deliver(message);
    for (const message of cluster.get(2n).work()) cluster.deliver(message);
    leader.finish(ready);
    expect(to(2n, leader.work())).toMatchObject([{ type: 'append', commit: 3 }]);
  });

  it('probes when a message could not be sent, and goes on when it hears that nothing is missing', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    const stateOf3 = (): unknown => leader.node.status().progress.get(3n);
    leader.node.reportUnreachable(3n);
    expect(stateOf3()).toMatchObject({ state: 'probe', next: 3 });
    cluster.tick(1);
    expect(stateOf3()).toMatchObject({ state: 'replicate' });
  });

  it('sends heartbeats as often as it should, and nothing else while nothing happens', () => {
    const cluster = Cluster.of(3, { heartbeatTicks: 3 });
    const leader = cluster.elect(1n);
    const beats = [1, 2, 3, 4, 5, 6].map(() => {
      leader.node.tick();
      return to(2n, leader.work()).length;
    });
    expect(beats).toEqual([0, 0, 1, 0, 0, 1]);
    cluster.transcript = [];
    cluster.tick(3);
    expect(cluster.transcript).toHaveLength(4);
    for (const line of cluster.transcript) expect(line).toContain('heartbeat');
  });

  it('believes nobody who acknowledges what it has not sent', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    const answer = {
      type: 'append-response',
      to: 1n,
      term: 2,
      index: 9,
      reject: false,
      hintIndex: 0,
      hintTerm: 0,
    } as const;
    leader.node.step({ ...answer, from: 3n });
    expect(leader.node.status().progress.get(3n)).toMatchObject({ match: 2, next: 3 });
  });
});

describe('a leader whose follower is far behind', () => {
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
    leader.node.propose(data('a'));
    cluster.tick(2 * ELECTION_TICKS);
    expect(cluster.get(2n).node.status().lastIndex).toBe(0);
    leader.node.reportSnapshot(2n, 'failed');
    cluster.tick(3);
    expect(cluster.get(2n).node.status()).toMatchObject({ lastIndex: 3, confState: { voters: [1n], learners: [2n] } });
  });

  it.each([
    ['finished', 2],
    ['failed', 1],
  ] as const)('probes from where a snapshot that has %s leaves the follower', (status, next) => {
    const cluster = Cluster.withConfState({ ...votersOnly(1n), learners: [2n] }, [1n]);
    const leader = cluster.elect(1n);
    leader.node.step({
      ...{ type: 'append-response', from: 2n, to: 1n, term: 2 },
      ...{ index: 1, reject: true, hintIndex: 0, hintTerm: 0 },
    });
    expect(to(2n, leader.work())).toMatchObject([{ type: 'snapshot' }]);
    leader.node.reportSnapshot(2n, status);
    expect(leader.node.status().progress.get(2n)).toMatchObject({ state: 'probe', next });
    // What it has become of the follower it hears before it says more.
    leader.node.propose(data('a'));
    expect(to(2n, leader.work())).toEqual([]);
  });

  it('sends no snapshot while there is none, nor to somebody who is away', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1n);
    cluster.isolate(3n);
    leader.node.propose(data('a'));
    cluster.tick(2 * ELECTION_TICKS);
    leader.storage.latest = { index: 3, term: 2, confState: votersOnly(1n, 2n, 3n) };
    leader.storage.compact(3);
    leader.node.reportUnreachable(3n);
    leader.node.propose(data('b'));
    expect(to(3n, leader.work())).toEqual([]);
    cluster.heal();
    leader.storage.isBusy = true;
    cluster.tick(2);
    expect(leader.node.status().progress.get(3n)).toMatchObject({ state: 'probe', match: 2 });
    leader.storage.isBusy = false;
    cluster.tick(2);
    expect(leader.node.status().progress.get(3n)).toMatchObject({ state: 'replicate', match: 4 });
  });
});
