import fc from 'fast-check';
import { mergeSort } from './merge-sort';

describe('a sort in slices', () => {
  it('gives what a stable sort gives, in steps that are not longer than a slice', () => {
    const element = fc.record({ rank: fc.nat(5), id: fc.nat() });
    fc.assert(
      fc.property(fc.array(element, { maxLength: 200 }), fc.constantFrom(1, 2, 7, 50, Infinity), (elements, slice) => {
        let compared = 0;
        const compare = (a: { rank: number }, b: { rank: number }): number => {
          compared++;
          return a.rank - b.rank;
        };
        const sorting = mergeSort(elements, compare, slice);
        for (;;) {
          const before = compared;
          const { done, value } = sorting.next();
          // Within a run a sort may compare each with some others; in a merge, each once.
          if (slice > 10) expect(compared - before).toBeLessThanOrEqual(8 * Math.min(slice, 200));
          if (!done) continue;
          expect(value).toEqual(elements.toSorted((a, b) => a.rank - b.rank));
          return;
        }
      }),
    );
  });
});
