import { type Entry, type HardState } from '#raft';

/** What has to survive a power failure together. */
export interface JournalBatch {
  /** A snapshot from another member, itself durable already, takes the place of the log up to this entry, and of all behind it. */
  readonly snapshot?: { readonly index: number; readonly term: number };
  /** They replace what the log holds from the first one's index on. */
  readonly entries: readonly Entry[];
  /** Absent: as it was. */
  readonly hardState?: HardState;
}

/** Where Raft's log is kept. */
export interface Journal {
  /**
   * Resolves when the batch is durable. Rejects with `StoreError` `no-space` if nothing of it is and the log is as it was; with
   * anything else if nobody knows, after which the journal must not be used.
   */
  save(batch: JournalBatch): Promise<void>;
}

/** Yields to the event loop after so many batches, so that a writer that awaits each write cannot starve timers. */
const BATCHES_A_TURN = 256;

/** A journal that keeps nothing. */
export class MemoryJournal implements Journal {
  private batches = 0;

  async save(): Promise<void> {
    if (++this.batches % BATCHES_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
