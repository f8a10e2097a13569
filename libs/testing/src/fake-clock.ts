import { type Clock, type Timer } from '#machinery';

/** A clock that moves only when told to. Timers fire in order of their due time, then of their creation. */
export class FakeClock implements Clock {
  private readonly timers: { due: number; sequence: number; callback: () => void }[] = [];
  private elapsed = 0;
  private sequence = 0;

  /** @param start wall-clock milliseconds at creation */
  constructor(private start = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.start + this.elapsed;
  }

  monotonic(): number {
    return this.elapsed;
  }

  setTimer(ms: number, callback: () => void): Timer {
    const timer = { due: this.elapsed + Math.max(0, ms), sequence: this.sequence++, callback };
    this.timers.push(timer);
    return {
      cancel: () => {
        const index = this.timers.indexOf(timer);
        if (index >= 0) this.timers.splice(index, 1);
      },
    };
  }

  /** How many timers wait: zero after a clean stop. */
  get pending(): number {
    return this.timers.length;
  }

  /** Moves the wall clock only, as an administrator or NTP would. */
  jump(ms: number): void {
    this.start += ms;
  }

  /** Moves time on, firing what falls due on the way and letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const target = this.elapsed + ms;
    await settle();
    for (;;) {
      const next = this.timers.reduce<(typeof this.timers)[number] | undefined>(
        (best, timer) =>
          best === undefined || timer.due < best.due || (timer.due === best.due && timer.sequence < best.sequence)
            ? timer
            : best,
        undefined,
      );
      if (next === undefined || next.due > target) break;
      this.timers.splice(this.timers.indexOf(next), 1);
      this.elapsed = Math.max(this.elapsed, next.due);
      next.callback();
      await settle();
    }
    this.elapsed = target;
  }
}

/** Lets every promise that can settle without I/O do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
