import { type Entry, type HardState, type SnapshotMetadata } from './entry';
import { type Message } from './message';

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** Changes often, and need not be remembered. */
export interface SoftState {
  /** 0n: nobody that is known. */
  readonly leader: bigint;
  readonly role: Role;
}

/** A read asked for with `readIndex(context)` is linearizable once the state machine has applied `index`. */
export interface ReadState {
  readonly context: bigint;
  readonly index: number;
}

/**
 * What has to be done now, in this order: send `messages`; make `snapshot`, then `entries` and `hardState` durable; send
 * `messagesAfterPersist`; install `snapshot`; apply `committedEntries`; answer `readStates`; call `advance()`. One at a time.
 */
export interface Ready {
  /** Present if it changed. */
  readonly softState?: SoftState;
  /** Present if it changed. */
  readonly hardState?: HardState;
  /** Replaces whatever the log holds from the first one's index on. */
  readonly entries: readonly Entry[];
  /** A leader's snapshot takes the place of log and state; the driver has received its data before it stepped the message. */
  readonly snapshot?: SnapshotMetadata;
  /** May leave before anything is durable: a leader writes its own log while the followers write theirs (dissertation, 10.2.1). */
  readonly messages: readonly Message[];
  /** Speak for something that must be durable first: votes, requests for votes, acknowledgements. */
  readonly messagesAfterPersist: readonly Message[];
  readonly committedEntries: readonly Entry[];
  readonly readStates: readonly ReadState[];
  /**
   * Everything written so far must be synced to disk; false when only `commit` moved, unless a membership change is in `committedEntries`.
   */
  readonly mustSync: boolean;
}
