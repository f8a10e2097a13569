import fc from 'fast-check';
import { type StoreEvent } from '#store';
import { sizeOf, splitEvents } from './split-events';

const event = (modRevision: number, bytes: number): StoreEvent => ({
  type: 'put',
  kv: { key: 'k', value: new Uint8Array(bytes), createRevision: modRevision, modRevision, version: 1, lease: 0n },
});

const history = fc
  .array(fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 })
  .map((revisions) => revisions.flatMap((sizes, index) => sizes.map((size) => event(index + 2, size))));

it('keeps every event, in order', () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 1, max: 1000 }), fc.boolean(), (events, limit, mayFragment) => {
      expect([...splitEvents(events, limit, mayFragment)].flatMap((part) => part.events)).toEqual(events);
    }),
  );
});

it('marks what ends inside a revision, and only that', () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 1, max: 1000 }), fc.boolean(), (events, limit, mayFragment) => {
      const parts = [...splitEvents(events, limit, mayFragment)];
      parts.forEach(({ events: own, isFragment }, index) => {
        const next = parts[index + 1]?.events[0]?.kv.modRevision;
        expect(isFragment).toBe(own.at(-1)!.kv.modRevision === next);
        if (!mayFragment) expect(isFragment).toBe(false);
      });
    }),
  );
});

it('keeps to the limit unless one event, or one revision that must stay whole, is larger', () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 1, max: 1000 }), (events, limit) => {
      for (const { events: own } of splitEvents(events, limit, true)) {
        if (own.length > 1) expect(own.reduce((sum, each) => sum + sizeOf(each), 0)).toBeLessThanOrEqual(limit);
      }
    }),
  );
});
