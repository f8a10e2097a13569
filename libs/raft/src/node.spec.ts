import { RaftNode } from './node';
import { configFor, Member } from './testing/cluster.fixture';
import { MemoryStorage, votersOnly } from './testing/memory-storage.fixture';

function storage(): MemoryStorage {
  return MemoryStorage.of(votersOnly(1n));
}

describe('a driver', () => {
  it('has one Ready at a time', () => {
    const { node } = new Member(1n, storage());
    expect(() => node.advance()).toThrow('there is no Ready');
    node.campaign();
    node.ready();
    expect(() => node.ready()).toThrow('has not been advanced');
  });

  it('has to write what it is told before it says that it has', () => {
    const member = new Member(1n, storage());
    member.node.campaign();
    while (member.node.status().role !== 'leader') member.finish(member.node.ready());
    expect(member.node.ready().entries).toHaveLength(1);
    expect(member.node.hasReady()).toBe(false);
    expect(() => member.node.advance()).toThrow('entries up to 2 were to be stored, the storage ends at 1');
  });

  it.each([
    ['id', { id: 0n }],
    ['applied', { applied: -1 }],
    ['electionTicks', { electionTicks: 1.5 }],
    ['electionTicks is not above', { electionTicks: 2, heartbeatTicks: 2 }],
    ['heartbeatTicks', { heartbeatTicks: 0 }],
    ['maxInflightMessages', { maxInflightMessages: 0 }],
    ['maxInflightBytes', { maxInflightBytes: Number.NaN }],
    ['maxBytesPerMessage', { maxBytesPerMessage: Number.NaN }],
    ['maxUncommittedBytes', { maxUncommittedBytes: -1 }],
    ['maxBytesPerReady', { maxBytesPerReady: Number.NaN }],
  ])('has to configure a member sensibly: %s', (name, wrong) => {
    expect(() => new RaftNode({ ...configFor(1n, storage()), ...wrong })).toThrow(name);
  });

  it('has to keep log, hard state and state machine together', () => {
    const stored = storage();
    expect(() => new Member(1n, stored, { applied: 0 })).toThrow('begins at 2, the state machine ended at 0');
    expect(() => new Member(1n, stored, { applied: 2 })).toThrow('ends at 1, before the committed index 2');
    stored.hardState = { term: 1, vote: 0n, commit: 3 };
    expect(() => new Member(1n, stored)).toThrow('ends at 1, before the committed index 3');
  });
});
