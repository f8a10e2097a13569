import { type Clock, type Timer } from '#machinery';

interface Scheduled {
  /** On this clock's monotonic time. */
  readonly due: number;
  readonly sequence: number;
  readonly callback: () => void;
}

/** Node's timers overflow beyond 2^31 ms. */
const LONGEST_WAIT_MS = 24 * 3_600_000;

/**
 * Real time, which can also be moved ahead: timers then fire in order of their due time (then of their creation) as if it had passed.
 * Holds one timer of the process, and none while nothing is scheduled.
 */
export class TestClock implements Clock {
  /** Sorted: the next one first. */
  private readonly scheduled: Scheduled[] = [];
  private readonly wallOrigin = Date.now() - performance.now();
  /** What advances have added to real time. */
  private ahead = 0;
  /** While an advance is under way time stands still, but for its steps. */
  private stoodAt: number | undefined;
  private wakeUp: { readonly due: number; readonly handle: NodeJS.Timeout } | undefined;
  private sequence = 0;
  private advancing: Promise<void> = Promise.resolve();

  now(): number {
    return Math.floor(this.wallOrigin + this.monotonic());
  }

  monotonic(): number {
    return this.stoodAt ?? performance.now() + this.ahead;
  }

  setTimer(ms: number, callback: () => void): Timer {
    const timer = { due: this.monotonic() + Math.max(0, ms), sequence: this.sequence++, callback };
    this.scheduled.splice(this.placeOf(timer), 0, timer);
    this.arm();
    return {
      cancel: () => {
        const place = this.placeOf(timer);
        if (this.scheduled[place] !== timer) return;
        this.scheduled.splice(place, 1);
        this.arm();
      },
    };
  }

  /** How many timers wait: zero after a clean stop. */
  get pending(): number {
    return this.scheduled.length;
  }

  /**
   * Moves time ahead by `ms`. Before the first, after each timer that falls due on the way, and at the end, `settle` lets everything
   * that it set off come to rest. One advance at a time: a further one waits for it. Afterwards time goes on by itself.
   */
  advance(ms: number, settle: () => Promise<void>): Promise<void> {
    const advance = this.advancing.then(() => this.step(ms, settle));
    this.advancing = advance.catch(() => undefined);
    return advance;
  }

  private async step(ms: number, settle: () => Promise<void>): Promise<void> {
    const from = (this.stoodAt = this.monotonic());
    const target = from + ms;
    this.arm();
    try {
      await settle();
      for (let next = this.scheduled[0]; next !== undefined && next.due <= target; next = this.scheduled[0]) {
        this.scheduled.shift();
        this.stoodAt = Math.max(this.stoodAt, next.due);
        next.callback();
        await settle();
      }
      this.stoodAt = target;
    } finally {
      this.ahead = this.stoodAt - performance.now();
      this.stoodAt = undefined;
      this.arm();
    }
  }

  /** Where a timer is, or belongs. */
  private placeOf({ due, sequence }: Scheduled): number {
    let low = 0;
    for (let high = this.scheduled.length; low < high;) {
      const middle = (low + high) >> 1;
      const other = this.scheduled[middle]!;
      if (other.due < due || (other.due === due && other.sequence < sequence)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Has the process wake this clock when its next timer is due. */
  private arm(): void {
    const due = this.stoodAt === undefined ? this.scheduled[0]?.due : undefined;
    if (this.wakeUp?.due === due) return;
    if (this.wakeUp !== undefined) clearTimeout(this.wakeUp.handle);
    this.wakeUp = undefined;
    if (due === undefined) return;
    const wait = Math.min(LONGEST_WAIT_MS, Math.max(0, Math.ceil(due - this.monotonic())));
    this.wakeUp = { due, handle: setTimeout(() => this.fire(), wait) };
  }

  private fire(): void {
    this.wakeUp = undefined;
    const next = this.scheduled[0];
    // Node counts whole milliseconds and may be early by a part of one.
    if (next === undefined || next.due > this.monotonic()) return this.arm();
    this.scheduled.shift();
    // First the next ones: what this one throws is the process's affair, as with its own timers.
    this.arm();
    next.callback();
  }
}
