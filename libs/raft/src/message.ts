import { type Entry, type SnapshotMetadata } from './entry';

interface Addressed {
  readonly to: bigint;
  readonly from: bigint;
  /** The sender's. 0 for messages from this member's own client (`propose`, `read-index`), which belong to no term. */
  readonly term: number;
}

/** What members say to one another. A message may be lost, repeated, late or out of order: Raft minds none of it. */
export type Message = Addressed &
  (
    | { readonly type: 'propose'; readonly entries: readonly ProposedEntry[] }
    | {
        readonly type: 'append';
        /** The entry before `entries`. */
        readonly index: number;
        readonly logTerm: number;
        readonly entries: readonly Entry[];
        readonly commit: number;
      }
    | {
        readonly type: 'append-response';
        /** Accepted: the last index that now matches. Rejected: the `index` of the request. */
        readonly index: number;
        readonly reject: boolean;
        /** Rejected: where the logs may agree at the latest, and the term there (fast backtracking, section 5.3). */
        readonly hintIndex: number;
        readonly hintTerm: number;
      }
    | {
        readonly type: 'pre-vote' | 'vote';
        readonly index: number;
        readonly logTerm: number;
        /** The leader has asked for this election (leadership transfer): leases do not hold it up. */
        readonly isTransfer: boolean;
      }
    | {
        readonly type: 'pre-vote-response' | 'vote-response';
        readonly reject: boolean;
        /** What the voter knows to be committed, and the term there: a candidate that was told of it late learns it here. */
        readonly commit: number;
        readonly commitTerm: number;
      }
    | { readonly type: 'heartbeat'; readonly commit: number; readonly context: bigint }
    | { readonly type: 'heartbeat-response'; readonly context: bigint }
    | { readonly type: 'snapshot'; readonly snapshot: SnapshotMetadata }
    | { readonly type: 'timeout-now' }
    | { readonly type: 'transfer-leader'; readonly transferee: bigint }
    | { readonly type: 'read-index'; readonly context: bigint }
    | { readonly type: 'read-index-response'; readonly index: number; readonly context: bigint }
  );

/** An entry that has no place in the log yet. */
export type ProposedEntry = Pick<Entry, 'type' | 'data'>;
