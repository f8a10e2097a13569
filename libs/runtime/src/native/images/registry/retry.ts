import { type Clock, delay } from '#machinery';
import { RegistryError } from './registry-error';

const attempts = 5;
const firstDelayMs = 500;
/** Whoever asks for a longer wait than that is told to the pod, which comes again by itself. */
const longestDelayMs = 30_000;

const worthwhile = new Set([408, 425, 429, 500, 502, 503, 504]);

/** `Retry-After` in milliseconds: seconds, or a date (RFC 9110, 10.2.3). Undefined: it says nothing. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** How long to wait before the next attempt (0 is the second); undefined: give up. Half of the wait is jitter. */
export function nextDelayMs(error: unknown, attempt: number, random: () => number): number | undefined {
  if (attempt >= attempts - 1 || !isWorthwhile(error)) return undefined;
  const asked = error instanceof RegistryError ? error.retryAfterMs : undefined;
  if (asked !== undefined && asked > longestDelayMs) return undefined;
  const own = firstDelayMs * 2 ** attempt * (0.5 + random() / 2);
  return asked === undefined ? own : asked + random() * firstDelayMs;
}

export interface RetryContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/**
 * Repeats what failed for a reason that may pass. `hasProgressed`: the attempt got further than the one before, so that counting begins anew.
 */
export async function withRetries<T>(
  { clock, random, signal }: RetryContext,
  work: () => Promise<T>,
  hasProgressed: () => boolean = () => false,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (hasProgressed()) attempt = 0;
      const wait = nextDelayMs(error, attempt, random);
      if (wait === undefined) throw error;
      await delay(clock, wait, signal);
    }
  }
}

/** An answer that may be another one later, or a connection that broke. */
function isWorthwhile(error: unknown): boolean {
  if (error instanceof RegistryError) return error.status === undefined || worthwhile.has(error.status);
  return false;
}
