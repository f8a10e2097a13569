import fc from 'fast-check';
import { type ConfChange, decodeConfChange, encodeConfChange } from './conf-change';
import { changed, confStateOf, configurationOf } from './configuration';
import { type ConfState } from './entry';
import { NOBODY, votersOnly } from './testing/memory-storage.fixture';

const id = fc.bigInt(1n, 6n);
const step = fc.record({ type: fc.constantFrom('add-voter' as const, 'add-learner' as const, 'remove' as const), id });
const change: fc.Arbitrary<ConfChange> = fc.record({
  steps: fc.array(step, { maxLength: 4 }),
  transition: fc.constantFrom('auto' as const, 'explicit' as const),
  context: fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
});

function after(state: ConfState, ...changes: readonly ConfChange[]): ConfState {
  return confStateOf(changes.reduce((now, next) => changed(now, next) ?? now, configurationOf(state)));
}

describe('encodeConfChange', () => {
  it('is undone by decodeConfChange', () => {
    fc.assert(fc.property(change, (value) => expect(decodeConfChange(encodeConfChange(value))).toEqual(value)));
  });

  it('is not mistaken for anything else', () => {
    for (const bytes of [[], [0], [9, 0, 0], [0, 0, 1], [0, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0, 1]]) {
      expect(() => decodeConfChange(Buffer.from(bytes))).toThrow(RangeError);
    }
  });
});

describe('changed', () => {
  it('keeps a configuration sound', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const { voters, votersOutgoing, learners, learnersNext, autoLeave } = after(votersOnly(1n, 2n, 3n), ...changes);
        expect(voters.length).toBeGreaterThan(0);
        for (const learner of learners) expect([...voters, ...votersOutgoing]).not.toContain(learner);
        for (const next of learnersNext) {
          expect(votersOutgoing).toContain(next);
          expect(voters).not.toContain(next);
        }
        if (votersOutgoing.length === 0) expect([autoLeave, learnersNext]).toEqual([false, []]);
      }),
    );
  });

  it('lets a voter of the outgoing half become a learner when that half is left', () => {
    const steps = [
      { type: 'add-learner', id: 1n },
      { type: 'add-voter', id: 4n },
    ] as const;
    const joint = after(votersOnly(1n, 2n, 3n), { steps, transition: 'explicit', context: Buffer.alloc(0) });
    expect(joint).toEqual({
      voters: [2n, 3n, 4n],
      learners: [],
      votersOutgoing: [1n, 2n, 3n],
      learnersNext: [1n],
      autoLeave: false,
    });
    const left = after(joint, { steps: [], transition: 'auto', context: Buffer.alloc(0) });
    expect(left).toEqual({ ...NOBODY, voters: [2n, 3n, 4n], learners: [1n] });
  });
});
