/** In how many parts the time is counted. */
const PARTS = 10;

/**
 * Calls back when `timeoutMs` have passed, unless the returned function is called before. Counted in tenths, so that a time in which this process
 * itself does not run (a paused or overloaded machine) is one tenth, however long it is: answers that have come meanwhile are read first, and
 * a container is not found unhealthy because its agent was not there to hear it.
 */
export function startDeadline(timeoutMs: number, expired: () => void): () => void {
  let left = PARTS;
  const timer = setInterval(() => {
    left -= 1;
    if (left > 0) return;
    clearInterval(timer);
    expired();
  }, timeoutMs / PARTS);
  return () => clearInterval(timer);
}
