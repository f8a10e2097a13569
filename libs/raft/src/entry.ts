/** One place in the replicated log. Indices start at 1 and have no gaps; terms never fall along the log. */
export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly type: EntryType;
  /** Opaque to Raft, except for `conf-change`, whose data `decodeConfChange` reads. Empty: a new leader's first entry. */
  readonly data: Buffer;
}

export type EntryType = 'normal' | 'conf-change';

/** What has to be durable before anything that depends on it leaves the member (figure 2 of the Raft paper). */
export interface HardState {
  readonly term: number;
  /** Member voted for in `term`; 0n: none. */
  readonly vote: bigint;
  readonly commit: number;
}

/**
 * Who takes part (dissertation, chapter 4). While `votersOutgoing` is not empty the configuration is joint: elections and
 * commits need a majority of `voters` and one of `votersOutgoing`.
 */
export interface ConfState {
  readonly voters: readonly bigint[];
  /** They receive the log and do not count. */
  readonly learners: readonly bigint[];
  readonly votersOutgoing: readonly bigint[];
  /** Voters of the outgoing half that become learners when the joint configuration is left. */
  readonly learnersNext: readonly bigint[];
  /** The leader proposes to leave the joint configuration as soon as it has been applied. */
  readonly autoLeave: boolean;
}

/** Names a state of the state machine: everything up to and including `index` is in it. */
export interface SnapshotMetadata {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
}
