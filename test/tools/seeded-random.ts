/**
 * Random numbers, 0 ≤ x < 1, that a seed decides (mulberry32). `NESTOR_SEED` chooses another seed than the test's own.
 */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of this run: `NESTOR_SEED`, or the test's own. */
export function seedOr(own: number): number {
  return Number(process.env['NESTOR_SEED'] ?? own);
}
