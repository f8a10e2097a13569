import fc from 'fast-check';
import { type Operation } from './history';
import { checkLinearizability, partition } from './linearizability';
import { type RegisterInput, registerModel, type RegisterOutput } from './register';

type Op = Operation<RegisterInput, RegisterOutput>;

const key = 'k';
const at = (call: number, end: number): Pick<Op, 'client' | 'call' | 'return'> => ({ client: call, call, return: end });
const write = (value: number, call: number, end: number): Op => ({
  ...at(call, end),
  input: { type: 'write', key, value },
  ...(end < Infinity ? { output: {} } : {}),
});
const read = (value: number, call: number, end: number): Op => ({
  ...at(call, end),
  input: { type: 'read', key },
  output: { value },
});
const swap = (expected: number, value: number, swapped: boolean, call: number, end: number): Op => ({
  ...at(call, end),
  input: { type: 'swap', key, expected, value },
  output: { swapped },
});

const isLinearizable = (...operations: Op[]): boolean | undefined =>
  checkLinearizability(registerModel, operations).isLinearizable;

describe('histories that could have happened', () => {
  it.each<[string, Op[]]>([
    ['nothing', []],
    ['one after the other', [write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7)]],
    ['a read beside a write may see it', [write(1, 0, 10), read(1, 2, 3)]],
    ['a read beside a write may not see it', [write(1, 0, 10), read(0, 2, 3)]],
    ['two writes at once, in either order', [write(1, 0, 10), write(2, 0, 10), read(1, 11, 12), read(1, 13, 14)]],
    ['a write without an answer happened', [write(1, 0, Infinity), read(0, 1, 2), read(1, 3, 4)]],
    ['a write without an answer did not', [write(1, 0, Infinity), read(0, 1, 2), read(0, 3, 4)]],
    ['a write without an answer happened late', [write(1, 0, Infinity), write(2, 1, 2), read(2, 3, 4), read(1, 5, 6)]],
    ['one of two swaps', [swap(0, 1, true, 0, 5), swap(0, 2, false, 0, 5), read(1, 6, 7)]],
  ])('%s', (_, operations) => expect(isLinearizable(...operations)).toBe(true));
});

describe('histories that could not', () => {
  it.each<[string, Op[]]>([
    ['a stale read', [write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)]],
    ['a lost write', [write(1, 0, 1), read(0, 2, 3)]],
    ['a value from nowhere', [read(7, 0, 1)]],
    ['time going back', [write(1, 0, 10), read(1, 2, 3), read(0, 4, 5)]],
    ['both swaps', [swap(0, 1, true, 0, 5), swap(0, 2, true, 0, 5)]],
    ['a swap refused for no reason', [swap(0, 1, false, 0, 5)]],
    [
      'two readers that disagree on the order of writes',
      [write(1, 0, 10), write(2, 0, 10), read(1, 11, 12), read(2, 13, 14), read(1, 15, 16)],
    ],
    [
      'a write without an answer that happens twice',
      [write(1, 0, Infinity), read(1, 1, 2), write(2, 3, 4), read(1, 5, 6)],
    ],
  ])('%s', (_, operations) => expect(isLinearizable(...operations)).toBe(false));

  it('are shown up to where they go wrong', () => {
    const wrong = read(1, 4, 5);
    const verdict = checkLinearizability(registerModel, [write(1, 0, 1), write(2, 2, 3), wrong]);
    expect(verdict).toMatchObject({ stuckAt: wrong, longest: [{ input: { value: 1 } }, { input: { value: 2 } }] });
  });
});

/** The same question, answered by trying every order. */
function bruteForce(operations: readonly Op[], state = registerModel.initial): boolean {
  // Who has no answer need not have happened.
  if (operations.every((operation) => operation.return === Infinity)) return true;
  return operations.some((first) => {
    if (operations.some((other) => other !== first && other.return < first.call)) return false;
    const after = registerModel.step(state, first.input, first.output);
    if (after === undefined) return false;
    return bruteForce(
      operations.filter((other) => other !== first),
      after,
    );
  });
}

const smallOperation: fc.Arbitrary<Op> = fc
  .tuple(fc.nat({ max: 12 }), fc.nat({ max: 6 }), fc.nat({ max: 3 }), fc.nat({ max: 2 }), fc.nat({ max: 2 }))
  .map(([call, length, kind, a, b]) => {
    const end = call + length;
    if (kind === 0) return read(a, call, end);
    if (kind === 1) return write(1 + a, call, end);
    if (kind === 2) return swap(a, 1 + b, b % 2 === 0, call, end);
    return write(1 + a, call, Infinity);
  });

describe('the checker', () => {
  it('agrees with trying every order', () => {
    fc.assert(
      fc.property(fc.array(smallOperation, { maxLength: 7 }), (operations) => {
        expect(isLinearizable(...operations)).toBe(bruteForce(operations));
      }),
      { numRuns: 3_000 },
    );
  });

  it('accepts whatever a register did, and nothing in which one read is wrong', () => {
    const script = fc.array(fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 20 }), fc.nat({ max: 20 })), {
      minLength: 20,
      maxLength: 200,
    });
    fc.assert(
      fc.property(script, fc.nat(), (steps, lie) => {
        // Each operation happens at a moment of its own, called some time before and answered some time after.
        let state = 0;
        const operations = steps.map(([kind, before, after], index): Op => {
          const [call, end] = [index * 10 - before, index * 10 + after];
          if (kind === 0) return write((state = index + 1), call, end);
          if (kind === 1) {
            const expected = state;
            return swap(expected, (state = index + 1), true, call, end);
          }
          return read(state, call, end);
        });
        expect(isLinearizable(...operations)).toBe(true);
        const reads = operations.filter(({ input }) => input.type === 'read');
        if (reads.length === 0) return;
        const liar = reads[lie % reads.length]!;
        expect(
          isLinearizable(...operations.map((each) => (each === liar ? { ...each, output: { value: -1 } } : each))),
        ).toBe(false);
      }),
    );
  });

  it('says that it does not know when it would take too long', () => {
    const verdict = checkLinearizability(registerModel, [write(1, 0, 1), read(1, 2, 3)], 0);
    expect(verdict.isLinearizable).toBeUndefined();
  });

  it('looks at each key by itself', () => {
    const other: Op = { ...write(9, 0, 1), input: { type: 'write', key: 'other', value: 9 } };
    const parts = partition([write(1, 0, 1), other, read(1, 2, 3)], (input) => input.key);
    expect([...parts.keys()]).toEqual(['k', 'other']);
    for (const part of parts.values()) expect(isLinearizable(...part)).toBe(true);
  });
});
