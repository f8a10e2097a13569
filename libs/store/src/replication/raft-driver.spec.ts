import { RaftNode } from '#raft';
import { MemoryJournal } from './journal';
import { LogWindow } from './log-window';
import { RaftDriver, type RaftDriverHost } from './raft-driver';

const confState = { voters: [1n, 2n], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };

it('is over when Raft throws, whoever has told it what', async () => {
  const failures: unknown[] = [];
  const host: RaftDriverHost = {
    gather: () => undefined,
    send: () => undefined,
    onSoftState: () => undefined,
    install: async () => undefined,
    apply: async () => undefined,
    onReadStates: () => undefined,
    onNoSpace: async () => false,
    onFailure: (error) => failures.push(error),
  };
  const log = new LogWindow(
    { index: 1, term: 1 },
    () => confState,
    () => undefined,
  );
  log.setHardState({ term: 1, vote: 0n, commit: 1 });
  const createNode = (): RaftNode =>
    new RaftNode({
      id: 1n,
      storage: log,
      applied: 1,
      electionTicks: 10,
      heartbeatTicks: 1,
      maxBytesPerMessage: 1,
      maxInflightMessages: 1,
      maxInflightBytes: 1,
      maxUncommittedBytes: 1,
      maxBytesPerReady: 1,
      random: () => 0,
    });
  const driver = new RaftDriver(createNode, log, new MemoryJournal(), host);
  driver.tell((node) => node.campaign());
  await driver.settled();
  expect(driver.raft.status().role).toBe('pre-candidate');

  const bug = new TypeError('a bug');
  const fail = (): never => {
    throw bug;
  };
  expect(() => driver.tell(fail)).not.toThrow();
  driver.tell(fail);
  await driver.nextRound();
  expect(failures).toEqual([bug]);
});
