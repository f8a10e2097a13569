/** A scheduled callback. Cancelling one that has fired or was cancelled does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Time, injected so that tests can move it. Nothing outside `systemClock` reads the wall clock or starts a timer.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch; may jump. For timestamps in objects only. */
  now(): number;
  /** Milliseconds from an arbitrary origin; never goes back. For durations, deadlines and leases. */
  monotonic(): number;
  /** Calls back once after `ms` milliseconds. */
  setTimer(ms: number, callback: () => void): Timer;
}

/** The process's real time. Timers keep the process alive; owners cancel them on stop. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(ms, callback) {
    const handle = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `ms`, or rejects with the signal's reason as soon as it aborts. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(toError(signal.reason));
    const onAbort = (): void => {
      timer.cancel();
      reject(toError(signal?.reason));
    };
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted');
}

/** RFC 3339 with second precision, as `metav1.Time` encodes it. */
export function formatTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 with microseconds, as `metav1.MicroTime` encodes it. */
export function formatMicroTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 23)}000Z`;
}
