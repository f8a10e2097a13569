import { ApiError } from '#machinery';
import { type KeyValueStore } from '#store';
import { type CacheFeed } from '../cache/cache-feed';
import { guard } from '../storage/object-storage';

/** How long a read waits for the cache before it does without. */
const patienceMs = 3000;

/** Linearizable reads from the cache: learn the store's revision, then wait until the cache has reached it. */
export class Freshness {
  private next: Promise<number> | undefined;

  constructor(
    private readonly store: KeyValueStore,
    private readonly feed: CacheFeed,
  ) {}

  /**
   * A revision that the store has reached after this call began. Calls made before the question goes out share the answer.
   */
  readIndex(): Promise<number> {
    this.next ??= Promise.resolve().then(async () => {
      this.next = undefined;
      const { revision } = await guard(this.store.range({ key: '/registry/', limit: 1, countOnly: true }));
      return revision;
    });
    return this.next;
  }

  /** @returns the revision to read at, and whether the cache has it (else the caller reads the store). */
  async latest(): Promise<{ revision: number; inCache: boolean }> {
    const revision = await this.readIndex();
    return { revision, inCache: await this.feed.waitFor(revision, patienceMs) };
  }

  /** Waits until the cache is at least at a revision that a client has seen. @throws Timeout if it never gets there. */
  async atLeast(revision: number): Promise<void> {
    if (revision <= this.feed.revision) return;
    if (await this.feed.waitFor(revision, patienceMs)) return;
    const message = `Too large resource version: ${revision}, current: ${this.feed.revision}`;
    throw new ApiError({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `Timeout: ${message}`,
      reason: 'Timeout',
      details: {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      },
      code: 504,
    });
  }
}
