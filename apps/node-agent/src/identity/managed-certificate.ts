import { type Clock, type Timer } from '#machinery';
import { type KeyPair } from '#pki';
import { type Logger } from '#telemetry';
import { renewalTime } from './key-pair-file';

export interface ManagedCertificateOptions {
  /** For the log. */
  readonly name: string;
  /** What is used until there is a better one. */
  readonly initial: KeyPair;
  /** Whether `initial` is a stand-in that is to be replaced at once. */
  readonly isProvisional: boolean;
  /** Gets the next one, proves that it works, and keeps it. A rejection is retried. */
  readonly obtain: (current: KeyPair, signal: AbortSignal) => Promise<KeyPair>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

const firstRetryMs = 5000;
const longestRetryMs = 5 * 60_000;
/** Timers take no more than 2³¹ ms; and the wall clock may be put right meanwhile. */
const longestSleepMs = 6 * 3_600_000;

/** A certificate that is renewed in time. The one before stays in use until the next one has been obtained. */
export class ManagedCertificate {
  private pair: KeyPair;
  private dueAt: number;
  private failures = 0;
  private timer: Timer | undefined;
  private renewing: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();
  private readonly listeners = new Set<(pair: KeyPair) => void>();

  constructor(private readonly options: ManagedCertificateOptions) {
    this.pair = options.initial;
    this.dueAt = options.isProvisional ? -Infinity : renewalTime(this.pair, options.random());
    this.sleep();
  }

  current(): KeyPair {
    return this.pair;
  }

  /** @returns a function that removes the listener, which must not throw */
  onRenewed(listener: (pair: KeyPair) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves when nothing is being asked for or written any more. */
  async stop(): Promise<void> {
    this.stopping.abort(new Error('stopped'));
    this.timer?.cancel();
    this.listeners.clear();
    await this.renewing;
  }

  private sleep(): void {
    const { clock } = this.options;
    const ms = Math.max(0, Math.min(longestSleepMs, this.dueAt - clock.now()));
    this.timer = clock.setTimer(ms, () => {
      if (clock.now() < this.dueAt) this.sleep();
      else this.renewing = this.renew();
    });
  }

  private async renew(): Promise<void> {
    const { name, obtain, clock, random, logger } = this.options;
    try {
      this.pair = await obtain(this.pair, this.stopping.signal);
      this.failures = 0;
      this.dueAt = renewalTime(this.pair, random());
      logger.info({ certificate: name }, 'certificate renewed');
      for (const listener of [...this.listeners]) listener(this.pair);
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      const retryMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(this.failures++, 10));
      this.dueAt = clock.now() + retryMs * (0.75 + random() / 2);
      logger.warn({ err: error, certificate: name }, 'certificate not renewed');
    }
    if (!this.stopping.signal.aborted) this.sleep();
  }
}
