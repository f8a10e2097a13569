import { type Clock, type Timer } from '#machinery';

/** Aborts what has not moved for a while. */
export class StallWatch {
  private readonly abort = new AbortController();
  private timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly limitMs: number,
    private readonly reason: () => Error,
  ) {
    this.moved();
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  moved(): void {
    this.timer?.cancel();
    this.timer = this.clock.setTimer(this.limitMs, () => this.abort.abort(this.reason()));
  }

  stop(): void {
    this.timer?.cancel();
  }
}
