/** One waiter's part in a task. */
export interface Waiter<P> {
  readonly signal?: AbortSignal;
  readonly progress?: (progress: P) => void;
}

interface Task<T, P> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  readonly waiters: Set<Waiter<P>>;
}

/**
 * Runs what several ask for at the same time once. All of them hear of its progress; it is aborted when the last of them has gone. When it fails, those who
 * joined it try again themselves, as it may have failed for a reason of its starter's (credentials).
 */
export class SharedTasks<T, P> {
  private readonly tasks = new Map<string, Task<T, P>>();

  async run(
    key: string,
    waiter: Waiter<P>,
    start: (signal: AbortSignal, progress: (progress: P) => void) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      waiter.signal?.throwIfAborted();
      const running = this.tasks.get(key);
      if (running === undefined) return this.wait(this.begin(key, start), waiter);
      try {
        return await this.wait(running, waiter);
      } catch (error) {
        if (waiter.signal?.aborted === true) throw error;
      }
    }
  }

  private begin(key: string, start: (signal: AbortSignal, progress: (progress: P) => void) => Promise<T>): Task<T, P> {
    const abort = new AbortController();
    const waiters = new Set<Waiter<P>>();
    const progress = (value: P): void => {
      for (const waiter of waiters) waiter.progress?.(value);
    };
    const result = start(abort.signal, progress).finally(() => this.tasks.delete(key));
    // Whoever waits hears of it; if nobody does any more it was aborted.
    result.catch(() => undefined);
    const task = { result, abort, waiters };
    this.tasks.set(key, task);
    return task;
  }

  private async wait(task: Task<T, P>, waiter: Waiter<P>): Promise<T> {
    task.waiters.add(waiter);
    const { signal } = waiter;
    let onAbort: (() => void) | undefined;
    try {
      if (signal === undefined) return await task.result;
      const aborted = new Promise<never>((_, reject) => {
        onAbort = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
        signal.addEventListener('abort', onAbort, { once: true });
      });
      return await Promise.race([task.result, aborted]);
    } finally {
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
      task.waiters.delete(waiter);
      if (task.waiters.size === 0) task.abort.abort(signal?.reason);
    }
  }
}
