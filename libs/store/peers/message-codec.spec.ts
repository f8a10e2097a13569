import fc from 'fast-check';
import { type ConfState, type Entry, type Message } from '#raft';
import { decodeMessage, encodeMessage } from './message-codec';

const id = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const data = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const entryType = fc.constantFrom('normal' as const, 'conf-change' as const);
const proposed = fc.record({ type: entryType, data });
const entry: fc.Arbitrary<Entry> = fc.record({ term: number, index: number, type: entryType, data });
const ids = fc.array(id, { maxLength: 5 });
const confState: fc.Arbitrary<ConfState> = fc.record({
  voters: ids,
  learners: ids,
  votersOutgoing: ids,
  learnersNext: ids,
  autoLeave: fc.boolean(),
});
const addressed = { to: id, from: id, term: number };

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ ...addressed, type: fc.constant('propose' as const), entries: fc.array(proposed) }),
  fc.record({
    ...addressed,
    type: fc.constant('append' as const),
    index: number,
    logTerm: number,
    commit: number,
    entries: fc.array(entry),
  }),
  fc.record({
    ...addressed,
    type: fc.constant('append-response' as const),
    index: number,
    reject: fc.boolean(),
    hintIndex: number,
    hintTerm: number,
  }),
  fc.record({
    ...addressed,
    type: fc.constantFrom('pre-vote' as const, 'vote' as const),
    index: number,
    logTerm: number,
    isTransfer: fc.boolean(),
  }),
  fc.record({
    ...addressed,
    type: fc.constantFrom('pre-vote-response' as const, 'vote-response' as const),
    reject: fc.boolean(),
    commit: number,
    commitTerm: number,
  }),
  fc.record({ ...addressed, type: fc.constant('heartbeat' as const), commit: number, context: id }),
  fc.record({ ...addressed, type: fc.constantFrom('heartbeat-response' as const, 'read-index' as const), context: id }),
  fc.record({
    ...addressed,
    type: fc.constant('snapshot' as const),
    snapshot: fc.record({ index: number, term: number, confState }),
  }),
  fc.record({ ...addressed, type: fc.constant('timeout-now' as const) }),
  fc.record({ ...addressed, type: fc.constant('transfer-leader' as const), transferee: id }),
  fc.record({ ...addressed, type: fc.constant('read-index-response' as const), index: number, context: id }),
);

describe("Raft's messages as bytes", () => {
  it('come back as they were', () => {
    fc.assert(fc.property(message, (original) => expect(decodeMessage(encodeMessage(original))).toEqual(original)));
  });

  it('are refused when they are cut short, and when something follows', () => {
    fc.assert(
      fc.property(message, fc.nat(), (original, at) => {
        const bytes = encodeMessage(original);
        expect(() => decodeMessage(bytes.subarray(0, at % bytes.length))).toThrow(RangeError);
        expect(() => decodeMessage(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(RangeError);
      }),
    );
  });

  it('are refused or read, never anything else, when they are garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeMessage(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
