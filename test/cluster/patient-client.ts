import { ApiError, delay, systemClock } from '#machinery';

const PATIENCE_MS = 10_000;
const PAUSE_MS = 100;
/** Answers after which the same request may succeed, as upstream's clients see it. */
const PASSING: readonly number[] = [429, 500, 502, 503, 504];

/** An answer that does not pass, or none within the time. */
export class ImpatientError extends Error {}

/**
 * What a reasonable client does: the same request again for up to ten seconds, for as long as there is no answer or one that asks for
 * patience. `AlreadyExists` after a first attempt, and `NotFound` of what was to be deleted, are the caller's to judge.
 */
export async function patiently<T>(what: string, attempt: (tries: number) => Promise<T>): Promise<T> {
  const started = performance.now();
  for (let tries = 0; ; tries++) {
    try {
      const answer = await attempt(tries);
      const took = performance.now() - started;
      if (took > PATIENCE_MS) throw new ImpatientError(`${what}: took ${Math.round(took)} ms`);
      return answer;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const isOver = performance.now() - started > PATIENCE_MS;
      if (isOver || !PASSING.includes(error.code)) throw new ImpatientError(`${what}: ${error.code} ${error.message}`);
      await delay(systemClock, PAUSE_MS);
    }
  }
}
