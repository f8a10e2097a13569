import { setTimeout as wait } from 'node:timers/promises';
import { type KeyValueStore, StoreError } from '#store';
import { type Random } from '#testing';

/** How far history may be, and is, forgotten. */
export interface Floor {
  /** The newest revision whose compaction was asked for: it may have happened. */
  readonly asked: number;
  /** The newest whose compaction was acknowledged. */
  readonly done: number;
}

/** Now and then forgets what all observers have seen. */
export class Compactor implements Floor {
  readonly violations: string[] = [];
  asked = 0;
  done = 0;
  private readonly over = new AbortController();
  private readonly work: Promise<void>;

  /**
   * @param seen by all of them
   * @param before looks at what is about to be forgotten
   */
  constructor(
    private readonly stores: () => readonly KeyValueStore[],
    private readonly random: Random,
    private readonly seen: () => number,
    private readonly before: (revision: number) => Promise<void>,
  ) {
    this.work = this.run();
    // Told by `finish`.
    this.work.catch(() => undefined);
  }

  async finish(): Promise<void> {
    this.over.abort();
    await this.work;
  }

  private async run(): Promise<void> {
    while (!this.over.signal.aborted) {
      await wait(this.random.between(500, 4_000), undefined, { signal: this.over.signal }).catch(() => undefined);
      const revision = this.seen();
      if (revision <= this.asked) continue;
      // At once: whoever begins to watch while this one still looks begins behind it.
      this.asked = revision;
      await this.before(revision);
      try {
        await this.random.one(this.stores()).compact(revision);
        this.done = revision;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        if (!['unavailable', 'closed', 'no-space'].includes(error.code))
          this.violations.push(`compaction of ${revision} is answered ${error.code}: ${error.message}`);
      }
    }
  }
}
