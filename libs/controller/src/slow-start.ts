/**
 * Calls `act` up to `count` times, in parallel batches that double in size while every call succeeds: something that would
 * fail for all fails for one first. After a failure no further batch starts. Resolves to the number of successes and the
 * first error; never rejects.
 */
export async function slowStart(
  count: number,
  act: (index: number) => Promise<void>,
  initialBatch = 1,
): Promise<{ readonly successes: number; readonly error?: unknown }> {
  let successes = 0;
  let started = 0;
  for (let batch = Math.min(count, initialBatch); batch > 0; batch = Math.min(2 * batch, count - started)) {
    const first = started;
    started += batch;
    const results = await Promise.allSettled(Array.from({ length: batch }, (_, offset) => act(first + offset)));
    successes += results.filter(({ status }) => status === 'fulfilled').length;
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) return { successes, error: failure.reason };
  }
  return { successes };
}
