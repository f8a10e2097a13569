import { setTimeout as wait } from 'node:timers/promises';

const POLL_MS = 50;

/** Repeats an assertion until it holds; after `timeoutMs` rejects with its last failure. For what other processes do in their own time. */
export async function eventually<T>(assertion: () => Promise<T> | T, timeoutMs = 15_000): Promise<T> {
  for (const deadline = performance.now() + timeoutMs; ;) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
      await wait(POLL_MS);
    }
  }
}
