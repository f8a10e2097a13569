/**
 * A command whose code is loaded when it runs: what a cluster is made of takes a second to load, and `nestor status` needs none of it.
 * @param load `() => import(…)`, and what of it is called
 */
export function later<Arguments extends unknown[]>(
  load: () => Promise<(...given: Arguments) => unknown>,
): (...given: Arguments) => Promise<void> {
  return async (...given) => {
    const run = await load();
    await run(...given);
  };
}
