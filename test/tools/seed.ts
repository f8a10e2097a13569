/** The seed of this run: `NESTOR_SEED`, or the test's own. */
export function seedOr(own: number): number {
  return Number(process.env['NESTOR_SEED'] ?? own);
}
