import { setTimeout as wait } from 'node:timers/promises';

const POLL_MS = 50;
/** Machines that test everything at once are busy: there a deadline is three times as far. */
const PATIENCE = process.env['CI'] === undefined ? 1 : 3;

/** Repeats an assertion until it holds; after `timeoutMs` rejects with its last failure. For what other processes do in their own time. */
export async function eventually<T>(assertion: () => Promise<T> | T, timeoutMs = 20_000): Promise<T> {
  for (const deadline = performance.now() + timeoutMs * PATIENCE; ;) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
      await wait(POLL_MS);
    }
  }
}
