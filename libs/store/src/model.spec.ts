import fc from 'fast-check';
import { FakeClock } from '#testing';
import { decodeCommand, encodeCommand } from './command-codec';
import {
  type Compare,
  type KeyValue,
  type RequestOp,
  StoreError,
  type StoreEvent,
  type TxnRequest,
} from './key-value-store';
import { createMemoryStore } from './memory-store';

/**
 * The data model told as simply as possible: a whole map for each revision.
 * What the store answers, now and for the past, live and replayed, has to be the same.
 */
class Model {
  readonly states: ReadonlyMap<string, KeyValue>[] = [new Map(), new Map()];
  readonly events: StoreEvent[][] = [[], []];

  get revision(): number {
    return this.states.length - 1;
  }

  txn(request: TxnRequest): boolean {
    const succeeded = request.compare.every((compare) => this.holds(compare));
    const next = new Map(this.states[this.revision]);
    const revision = this.revision + 1;
    const events: StoreEvent[] = [];
    for (const operation of (succeeded ? request.success : request.failure) ?? []) {
      if (operation.type === 'put') {
        const { key, value } = operation.request;
        const before = next.get(key);
        const kv: KeyValue = {
          key,
          value: Buffer.from(value),
          createRevision: before?.createRevision ?? revision,
          modRevision: revision,
          version: (before?.version ?? 0) + 1,
          lease: 0n,
        };
        next.set(key, kv);
        events.push(before ? { type: 'put', kv, prevKv: before } : { type: 'put', kv });
      } else if (operation.type === 'delete') {
        for (const before of inRange(next, operation.request.key, operation.request.rangeEnd)) {
          next.delete(before.key);
          const gone = { createRevision: 0, modRevision: revision, version: 0, lease: 0n, value: new Uint8Array(0) };
          events.push({ type: 'delete', kv: { key: before.key, ...gone }, prevKv: before });
        }
      }
    }
    if (events.length > 0) {
      this.states.push(next);
      this.events.push(events);
    }
    return succeeded;
  }

  private holds({ key, target, result, operand }: Compare): boolean {
    const kv = this.states[this.revision]!.get(key);
    const actual = target === 'version' ? kv?.version : kv?.modRevision;
    const difference = (actual ?? 0) - Number(operand);
    return { equal: difference === 0, 'not-equal': difference !== 0, greater: difference > 0, less: difference < 0 }[
      result
    ];
  }
}

function inRange(state: ReadonlyMap<string, KeyValue>, key: string, end = ''): KeyValue[] {
  const inside = (other: string): boolean => (end === '' ? other === key : other >= key && other < end);
  return [...state.values()].filter((kv) => inside(kv.key)).sort((a, b) => (a.key < b.key ? -1 : 1));
}

const keys = fc.constantFrom('a', 'a/1', 'a/2', 'b', 'c');
const ends = fc.constantFrom('', 'b', 'd');
const put = fc
  .record({ key: keys, value: fc.uint8Array({ maxLength: 4 }) })
  .map((request): RequestOp => ({ type: 'put', request: { ...request, value: Buffer.from(request.value) } }));
const del = fc.record({ key: keys, rangeEnd: ends }).map((request): RequestOp => ({ type: 'delete', request }));
const compare: fc.Arbitrary<Compare> = fc.record({
  key: keys,
  target: fc.constantFrom('version', 'mod'),
  result: fc.constantFrom('equal', 'greater', 'less', 'not-equal'),
  operand: fc.nat(6),
});
const operations = fc.array(fc.oneof(put, del), { maxLength: 3 });
const txn: fc.Arbitrary<TxnRequest> = fc.record({
  compare: fc.array(compare, { maxLength: 2 }),
  success: operations,
  failure: operations,
});

describe('the store and its model', () => {
  it('agree on every answer, present and past, and on every event', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(txn, { maxLength: 25 }), fc.nat(25), fc.nat(30), async (requests, start, compacted) => {
        const store = createMemoryStore({ clock: new FakeClock() });
        const model = new Model();
        const live: StoreEvent[][] = [];
        const watchAll = (startRevision: number, seen: StoreEvent[][]): void => {
          const request = { key: 'a', rangeEnd: '\0', startRevision, prevKv: true };
          store.watch(request, { onBatch: ({ events }) => seen.push([...events]), onEnd: () => undefined });
        };
        watchAll(0, live);
        for (const request of requests) {
          try {
            const response = await store.txn(request);
            expect(response.succeeded).toBe(model.txn(request));
          } catch (error) {
            if (!(error instanceof StoreError) || error.code !== 'duplicate-key') throw error;
          }
          expect((await store.status()).revision).toBe(model.revision);
        }
        expect(live).toEqual(model.events.slice(2));

        const compactRevision = Math.min(compacted, model.revision);
        await store.compact(compactRevision);
        for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
        for (let revision = Math.max(1, compactRevision); revision <= model.revision; revision++) {
          const { kvs, count } = await store.range({ key: 'a', rangeEnd: 'd', revision });
          expect(kvs).toEqual(inRange(model.states[revision]!, 'a', 'd'));
          expect(count).toBe(kvs.length);
        }

        const replayed: StoreEvent[][] = [];
        const from = Math.max(compactRevision + 1, start);
        watchAll(from, replayed);
        for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
        expect(replayed).toEqual(model.events.slice(Math.max(2, from)));
        await store.close();
      }),
      { numRuns: 300 },
    );
  });
});

describe('a command', () => {
  it('survives its encoding', () => {
    fc.assert(
      fc.property(txn, txn, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (inner, outer, id) => {
        const nested: TxnRequest = { ...outer, success: [...outer.success, { type: 'txn', request: inner }] };
        const decoded = decodeCommand(encodeCommand({ type: 'txn', request: nested }));
        expect(decoded).toMatchObject({ type: 'txn', request: nested });
        const grant = { type: 'lease-grant', id, ttl: 2 ** 40 + 3 } as const;
        expect(decodeCommand(encodeCommand(grant))).toEqual(grant);
      }),
    );
  });

  it('is refused when it is cut off or unknown', () => {
    const whole = encodeCommand({ type: 'put', request: { key: 'key', value: Buffer.from('value'), lease: 3n } });
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeCommand(whole.subarray(0, length))).toThrow(RangeError);
    }
    expect(() => decodeCommand(Buffer.from([99]))).toThrow(RangeError);
  });
});
