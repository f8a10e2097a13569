import { type Clock, delay, hasReason } from '#machinery';
import { type Logger } from '#telemetry';

const ATTEMPTS = 6;
const FIRST_MS = 500;

export interface Patience {
  readonly clock: Clock;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  readonly logger: Logger;
}

/**
 * Carries out what may be repeated; again, six times at most and later each time, as long as the store is unavailable or a write's outcome
 * unknown: machines that start all at once are slow. Rejects with the last failure, or with any other at once.
 */
export async function onceStoreAnswers(act: () => Promise<void>, { clock, random, logger }: Patience): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (attempt >= ATTEMPTS || !hasReason(error, 'ServiceUnavailable')) throw error;
      logger.warn({ err: error, attempt }, 'the store does not answer yet, trying again');
      await delay(clock, FIRST_MS * 2 ** (attempt - 1) * (0.5 + random()));
    }
  }
}
