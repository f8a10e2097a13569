/** Where an appended batch stands. */
export interface Appended {
  /** Index of the batch's first entry; the others follow without gaps. */
  readonly firstIndex: number;
  readonly term: number;
}

/**
 * What makes entries durable before they are applied: today one member's own log, tomorrow Raft's.
 * One `append` at a time.
 */
export interface CommitLog {
  /**
   * Resolves when all entries are durable and committed. Rejects with `StoreError` `no-space` if none of them is and the
   * log is as it was; with anything else if nobody knows, after which the log must not be used.
   */
  append(entries: readonly Buffer[]): Promise<Appended>;
  close(): Promise<void>;
}

/** Yields to the event loop after so many batches, so that a writer that awaits each write cannot starve timers. */
const BATCHES_A_TURN = 256;

/** A log that keeps nothing. */
export class MemoryLog implements CommitLog {
  private lastIndex = 0;
  private batches = 0;

  async append(entries: readonly Buffer[]): Promise<Appended> {
    if (++this.batches % BATCHES_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    const firstIndex = this.lastIndex + 1;
    this.lastIndex += entries.length;
    return { firstIndex, term: 1 };
  }

  async close(): Promise<void> {
    // Nothing to release.
  }
}
