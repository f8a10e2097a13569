/**
 * The Raft consensus algorithm (Ongaro and Ousterhout, 2014; Ongaro's dissertation) as a deterministic state machine: messages and ticks
 * go in, what is ready comes out. It does no I/O, has no clock and takes its only chance from the caller, so that any run can be run again.
 *
 * A driver owns the disk, the network and the clock:
 *
 *     while (node.hasReady()) {
 *       const ready = node.ready();
 *       network.send(ready.messages); // need not wait for the disk
 *       await disk.write(ready.snapshot, ready.entries, ready.hardState, { sync: ready.mustSync });
 *       network.send(ready.messagesAfterPersist); // promise what is now durable
 *       if (ready.snapshot) await stateMachine.install(ready.snapshot);
 *       for (const entry of ready.committedEntries) stateMachine.apply(entry); // a conf-change: also node.applyConfChange(…)
 *       for (const read of ready.readStates) reads.resolve(read);
 *       node.advance();
 *     }
 *
 * `step`, `tick`, `propose` and all the others may be called while the disk is written; only `ready` waits for `advance`. If a write
 * fails, the member must stop: what is on the disk is then unknown.
 *
 * A cluster begins as if from a snapshot: each of its first members has the same `confState` at index 1, term 1, an empty log after it
 * (`firstIndex()` 2) and a hard state of term 1, commit 1. A member that joins later begins with nothing, and is sent a snapshot, since
 * entries alone would not tell it who the first members were. On a restart `initialState().confState` is the one at `applied`.
 */
export { type ConfChange, type ConfChangeStep, decodeConfChange, encodeConfChange } from './src/conf-change';
export { type RaftConfig } from './src/config';
export { type ConfState, type Entry, type EntryType, type HardState, type SnapshotMetadata } from './src/entry';
export { type ProposalDrop, ProposalDroppedError } from './src/errors';
export { type Message, type ProposedEntry } from './src/message';
export { RaftNode } from './src/node';
export { type ProgressState } from './src/progress';
export { type ReadState, type Ready, type Role, type SoftState } from './src/ready';
export { type ProgressStatus, type RaftStatus } from './src/status';
export { type RaftStorage } from './src/storage';
