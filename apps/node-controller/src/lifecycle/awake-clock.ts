import { type Clock } from '#machinery';

const TICK_MS = 1000;
/** A tick may be this late before the delay counts as sleep: garbage collection and load are no sleep. */
const SLACK_MS = 2000;

/**
 * Monotonic time that stands still while this process does not run: stopped by a signal, or with its machine asleep. It ticks while
 * `run`; without ticks it stands still, too.
 */
export class AwakeClock {
  /** Time gathered by ticks, and when the last one was. */
  private awakeMs = 0;
  private tickedAt: number;

  constructor(private readonly clock: Clock) {
    this.tickedAt = clock.monotonic();
  }

  /** Milliseconds awake. */
  now(): number {
    return this.awakeMs + Math.min(this.clock.monotonic() - this.tickedAt, TICK_MS + SLACK_MS);
  }

  /** Ticks until the signal aborts. */
  run(signal: AbortSignal): void {
    const tick = (): void => {
      if (signal.aborted) return;
      this.awakeMs = this.now();
      this.tickedAt = this.clock.monotonic();
      const timer = this.clock.setTimer(TICK_MS, () => {
        signal.removeEventListener('abort', onAbort);
        tick();
      });
      const onAbort = (): void => timer.cancel();
      signal.addEventListener('abort', onAbort, { once: true });
    };
    tick();
  }
}
