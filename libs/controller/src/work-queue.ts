import { type Clock, type Timer } from '#machinery';
import { type WorkQueueMetrics } from './work-queue-metrics';

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics?: WorkQueueMetrics;
  /** Delay of the first retry; doubles with each. Default 5 ms, as upstream. */
  readonly baseDelayMs?: number;
  /** Default one minute: upstream's 1000 s leaves a user waiting for something that is long repaired. */
  readonly maxDelayMs?: number;
}

/**
 * Keys to look at, with client-go's semantics: a key waits at most once; a key that is added while in work is queued again
 * when `done` is called for it; keys come out in the order in which they were first added. Holds at most one entry (and one
 * timer) a key, so it is bounded by the number of objects.
 */
export class WorkQueue {
  private readonly waiting: string[] = [];
  private head = 0;
  /** When each key was added; a key in here is waiting, or in work and to be queued again. */
  private readonly dirty = new Map<string, number>();
  private readonly inWork = new Map<string, number>();
  private readonly delayed = new Map<string, { readonly due: number; readonly timer: Timer }>();
  private readonly failures = new Map<string, number>();
  private readonly takers: ((key: string | undefined) => void)[] = [];
  private closed = false;

  constructor(private readonly options: WorkQueueOptions) {}

  /** Keys that wait. */
  get length(): number {
    return this.waiting.length - this.head;
  }

  /** Nothing waits, is in work or is to be queued again; delayed keys do not count. */
  get idle(): boolean {
    return this.dirty.size === 0 && this.inWork.size === 0;
  }

  add(key: string): void {
    if (this.closed || this.dirty.has(key)) return;
    this.dirty.set(key, this.options.clock.monotonic());
    this.options.metrics?.added();
    if (!this.inWork.has(key)) this.enqueue(key);
  }

  /** Adds the key later. Of several delays the earliest counts. */
  addAfter(key: string, milliseconds: number): void {
    if (milliseconds <= 0) return this.add(key);
    if (this.closed) return;
    const due = this.options.clock.monotonic() + milliseconds;
    const pending = this.delayed.get(key);
    if (pending !== undefined) {
      if (pending.due <= due) return;
      pending.timer.cancel();
    }
    const timer = this.options.clock.setTimer(milliseconds, () => {
      this.delayed.delete(key);
      this.add(key);
    });
    this.delayed.set(key, { due, timer });
  }

  /** Adds the key after a delay that doubles with every call until `forget`; jittered, so that keys that failed together part. */
  addRateLimited(key: string): void {
    const failures = this.failures.get(key) ?? 0;
    this.failures.set(key, failures + 1);
    this.options.metrics?.retried();
    const { baseDelayMs = 5, maxDelayMs = 60_000, random } = this.options;
    const delay = Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(failures, 30));
    this.addAfter(key, delay * (0.5 + random() / 2));
  }

  /** The key succeeded: its next failure starts at the base delay. */
  forget(key: string): void {
    this.failures.delete(key);
  }

  /** How often in a row the key failed. */
  failuresOf(key: string): number {
    return this.failures.get(key) ?? 0;
  }

  /** The next key, to be given back with `done`. Undefined once the queue is closed or the signal aborts. */
  take(signal?: AbortSignal): Promise<string | undefined> {
    if (this.closed || signal?.aborted === true) return Promise.resolve(undefined);
    if (this.length > 0) return Promise.resolve(this.begin());
    return new Promise((resolve) => {
      const taker = (key: string | undefined): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve(key);
      };
      const onAbort = (): void => {
        const index = this.takers.indexOf(taker);
        if (index >= 0) this.takers.splice(index, 1);
        resolve(undefined);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.takers.push(taker);
    });
  }

  /** Work on the key has ended, whichever way. */
  done(key: string): void {
    const started = this.inWork.get(key);
    if (started === undefined) return;
    this.inWork.delete(key);
    this.options.metrics?.finished(this.options.clock.monotonic() - started);
    if (this.dirty.has(key) && !this.closed) this.enqueue(key);
  }

  /** Drops everything and cancels every timer. */
  close(): void {
    this.closed = true;
    for (const { timer } of this.delayed.values()) timer.cancel();
    this.delayed.clear();
    this.dirty.clear();
    this.waiting.length = this.head = 0;
    for (const taker of this.takers.splice(0)) taker(undefined);
  }

  private enqueue(key: string): void {
    this.waiting.push(key);
    this.options.metrics?.depth(this.length);
    const taker = this.takers.shift();
    if (taker !== undefined) taker(this.begin());
  }

  private begin(): string {
    const key = this.waiting[this.head++]!;
    if (this.head > 1024 && this.head * 2 > this.waiting.length) {
      this.waiting.splice(0, this.head);
      this.head = 0;
    }
    const now = this.options.clock.monotonic();
    this.options.metrics?.started(now - (this.dirty.get(key) ?? now));
    this.options.metrics?.depth(this.length);
    this.dirty.delete(key);
    this.inWork.set(key, now);
    return key;
  }
}
