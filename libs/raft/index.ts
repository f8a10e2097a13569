/** The Raft consensus algorithm as a deterministic state machine: messages in, what is ready out. No I/O, clock or chance. */
export { type ConfChange, type ConfChangeStep } from './src/conf-change';
export { type ConfState, type Entry, type EntryType, type HardState, type SnapshotMetadata } from './src/entry';
export { type Message, type ProposedEntry } from './src/message';
export { type ReadState, type Ready, type Role, type SoftState } from './src/ready';
export { type RaftStorage } from './src/storage';
