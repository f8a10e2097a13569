const FIRST_MS = 50;
const MOST_MS = 2_000;

/** Exponential, and spread over the upper half of each step so that clients of a server that comes back do not march in step. */
export function backoffMs(attempt: number, random: () => number): number {
  return Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 10)) * (0.5 + random() / 2);
}
