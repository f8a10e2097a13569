import fc from 'fast-check';
import { etcdserverpb, mvccpb } from '#etcd';
import { type WatchBatch } from '../src/key-value-store';
import { WatchAssembler } from './watch-assembler';

const event = (revision: number, key: string): mvccpb.Event =>
  mvccpb.Event.create({ type: 0, kv: { key: Buffer.from(key), modRevision: revision } });
const response = (revision: number, events: mvccpb.Event[], fragment = false): etcdserverpb.WatchResponse =>
  etcdserverpb.WatchResponse.create({ header: { revision }, events, fragment });

const told = (batches: Iterable<WatchBatch>): string[] =>
  Array.from(batches, (batch) => `${batch.revision}: ${batch.events.map(({ kv }) => kv.key).join(' ')}`);

it('makes one batch a revision, however they were sent', () => {
  // Sizes of transactions, and where the stream of their events is cut.
  const transactions = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 20 });
  const cuts = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(transactions, cuts, (sizes, lengths) => {
      const events = sizes.flatMap((size, index) => Array.from({ length: size }, (_, n) => event(index + 2, `k${n}`)));
      const expected = sizes.map(
        (size, index) => `${index + 2}: ${Array.from({ length: size }, (_, n) => `k${n}`).join(' ')}`,
      );
      const assembler = new WatchAssembler(2);
      const actual: string[] = [];
      for (let start = 0, cut = 0; start < events.length; cut++) {
        const end = start + (lengths[cut % lengths.length] ?? 1);
        // A response that ends inside a revision says so.
        const isFragment = events[end]?.kv?.modRevision === events[end - 1]?.kv?.modRevision && end < events.length;
        actual.push(...told(assembler.add(response(99, events.slice(start, end), isFragment))));
        start = end;
      }
      expect(actual).toEqual(expected);
      expect(assembler.nextRevision).toBe(sizes.length + 2);
    }),
  );
});

it('drops what it has delivered before', () => {
  const assembler = new WatchAssembler(5);
  expect(told(assembler.add(response(6, [event(4, 'a'), event(5, 'b'), event(6, 'c')])))).toEqual(['5: b', '6: c']);
  expect(told(assembler.add(response(6, [event(6, 'c'), event(7, 'd')])))).toEqual(['7: d']);
});

it('starts after the revision at which the watch was created', () => {
  const assembler = new WatchAssembler(0);
  assembler.created(response(10, []));
  expect(assembler.nextRevision).toBe(11);
  // A later creation, after the connection was lost, does not skip what came between.
  assembler.created(response(20, []));
  expect(assembler.nextRevision).toBe(11);
});

it('starts after what the client knows of, though the server counts it later', () => {
  const assembler = new WatchAssembler(0, 12);
  assembler.created(response(11, []));
  expect(told(assembler.add(response(13, [event(12, 'a'), event(13, 'b')])))).toEqual(['13: b']);
});

it('comes on by responses without events, but not inside a revision', () => {
  const assembler = new WatchAssembler(3);
  expect(told(assembler.add(response(9, [])))).toEqual([]);
  expect(assembler.nextRevision).toBe(10);
  expect(told(assembler.add(response(10, [event(10, 'a')], true)))).toEqual([]);
  expect(assembler.nextRevision).toBe(10);
  expect(told(assembler.add(response(10, [event(10, 'b')])))).toEqual(['10: a b']);
});
