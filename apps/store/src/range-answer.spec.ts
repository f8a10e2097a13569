import fc from 'fast-check';
import { etcdserverpb } from '#etcd';
import { type KeyValue } from '#store';
import { RangeAnswer } from './range-answer';
import { toKeyValue } from './responses';

const header = { clusterId: 2n ** 64n - 1n, memberId: 1n, revision: 7n, raftTerm: 2n };
const revision = fc.maxSafeNat();
/** Around the lengths from which on a length takes one byte more. */
const length = fc.oneof(fc.nat(300), fc.integer({ min: 16_250, max: 16_400 }));
const keyValue: fc.Arbitrary<KeyValue> = fc.record({
  key: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  value: length.map((bytes) => Buffer.alloc(bytes, 'v')),
  createRevision: revision,
  modRevision: revision,
  version: revision,
  lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
});

it('is the same on the wire as the message that it is', () => {
  const kvs = fc.array(keyValue, { maxLength: 8 });
  fc.assert(
    fc.property(kvs, fc.boolean(), revision, (found, more, count) => {
      const answer = new RangeAnswer(header, { revision: 7, kvs: found, more, count });
      const message = { header, kvs: found.map(toKeyValue), more, count: BigInt(count) };
      const { kvs: theirs, more: isMore, count: all } = answer;
      expect({ header: answer.header, kvs: theirs, more: isMore, count: all }).toEqual(message);
      expect(answer.encode().equals(etcdserverpb.RangeResponse.encode(message).finish())).toBe(true);
    }),
  );
});
