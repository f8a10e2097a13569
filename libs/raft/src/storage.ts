import { type ConfState, type Entry, type HardState, type SnapshotMetadata } from './entry';

/**
 * The durable part of the log, as Raft reads it: synchronously, from memory. The driver extends it with what a `Ready` told it to
 * persist, before `advance()`.
 */
export interface RaftStorage {
  /** As they were when the member stopped. */
  initialState(): { readonly hardState: HardState; readonly confState: ConfState };
  /** The first index that `entries` can give; what is before it was compacted. */
  firstIndex(): number;
  /** `firstIndex() - 1` if the log is empty. */
  lastIndex(): number;
  /** Of an entry from `firstIndex() - 1` to `lastIndex()`; undefined outside. */
  term(index: number): number | undefined;
  /** `[from, to)`, at least one, then as many as fit into `maxBytes` of data. */
  entries(from: number, to: number, maxBytes: number): readonly Entry[];
  /** What a follower that is too far behind will be sent; undefined: not now, ask again. Its index is at least `firstIndex() - 1`. */
  snapshot(): SnapshotMetadata | undefined;
}
