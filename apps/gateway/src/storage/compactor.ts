import { type Clock, type Timer } from '#machinery';
import { type KeyValueStore, StoreError } from '#store';
import { type Logger } from '#telemetry';

const everyMs = 5 * 60_000;
/** The key by which API servers agree who compacts, and up to where; upstream's, so that they can share a store. */
const key = 'compact_rev_key';

/**
 * Forgets history older than five minutes. Every gateway tries; the one whose transaction on the agreed key succeeds
 * compacts to the revision that was current one round ago.
 */
export class Compactor {
  private timer: Timer | undefined;
  private stopped = false;
  /** What this gateway believes the key's version to be, and the store's revision when it looked. */
  private version = 0;
  private revision = 0;

  constructor(
    private readonly store: KeyValueStore,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.timer = this.clock.setTimer(everyMs, () => {
      this.round()
        .catch((error: unknown) => this.logger.warn({ err: error }, 'cannot compact the store'))
        .finally(() => {
          if (!this.stopped) this.start();
        });
    });
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  private async round(): Promise<void> {
    const target = this.revision;
    const answer = await this.store.txn({
      compare: [{ key, target: 'version', result: 'equal', operand: this.version }],
      success: [{ type: 'put', request: { key, value: Buffer.from(String(target)) } }],
      failure: [{ type: 'range', request: { key } }],
    });
    this.revision = answer.revision;
    if (!answer.succeeded) {
      const range = answer.responses[0];
      this.version = range?.type === 'range' ? (range.response.kvs[0]?.version ?? 0) : 0;
      return;
    }
    this.version++;
    if (target === 0) return;
    try {
      await this.store.compact(target);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'compacted') throw error;
    }
  }
}
