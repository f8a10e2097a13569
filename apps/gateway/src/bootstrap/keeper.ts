import { type Clock, type Timer } from '#machinery';
import { type Logger } from '#telemetry';

/** Upstream's interval for `default/kubernetes`. */
const everyMs = 10_000;

/**
 * Looks again and again whether what every cluster needs is still there: `kubectl delete service --all` takes the API from
 * the pods, but not for long. Reads come from the cache; nothing is written where nothing is missing.
 */
export class Keeper {
  private timer: Timer | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly ensure: () => Promise<void>,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.timer = this.clock.setTimer(everyMs, () => {
      this.round = this.ensure()
        .catch((error: unknown) => this.logger.warn({ err: error }, 'cannot restore what every cluster needs'))
        .finally(() => {
          if (!this.stopped) this.start();
        });
    });
  }

  /** Resolves when nothing is being written any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.round;
  }
}
