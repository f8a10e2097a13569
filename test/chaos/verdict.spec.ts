import { createMemoryStore, type KeyValueStore } from '#store';
import { systemClock } from '#machinery';
import { eventually } from '../tools/eventually';
import { type Batch, Observer } from './observer';
import { gaps, historyOf, linearizabilityFaults, lostWrites, repeatedWrites } from './verdict';

let store: KeyValueStore;

beforeEach(() => {
  store = createMemoryStore({ clock: systemClock });
});
afterEach(() => store.close());

async function put(value: number): Promise<{ revision: number; key: string; value: number }> {
  const { revision } = await store.put({ key: 'r/a', value: Buffer.from(String(value)) });
  return { revision, key: 'r/a', value };
}

describe('what must not happen', () => {
  it('is not seen where nothing is wrong', async () => {
    const early = new Observer('early', store);
    const written = [await put(1), await put(2)];
    const { revision } = await store.deleteRange({ key: 'r/a' });
    written.push({ revision, key: 'r/a', value: 0 });
    const late = new Observer('late', store, 3);
    await eventually(() => expect([early.revision, late.revision]).toEqual([revision, revision]));
    const { batches, faults } = historyOf([early, late]);
    expect(faults).toEqual([]);
    expect(batches).toEqual([
      { revision: 2, changes: [{ revision: 2, key: 'r/a', value: 1, createRevision: 2, version: 1 }] },
      { revision: 3, changes: [{ revision: 3, key: 'r/a', value: 2, createRevision: 2, version: 2 }] },
      { revision: 4, changes: [{ revision: 4, key: 'r/a', value: 0, createRevision: 0, version: 0 }] },
    ]);
    expect(lostWrites(written, batches)).toEqual([]);
    expect(repeatedWrites(batches)).toEqual([]);
  });

  it('is seen: a write that is lost, one that happened otherwise than was told, and one that happened twice', async () => {
    const observer = new Observer('one', store);
    const written = await put(1);
    await eventually(() => expect(observer.batches).toHaveLength(1));
    const lost = { ...written, revision: written.revision + 1 };
    const other = { ...written, value: 2 };
    expect(lostWrites([written, lost, other], observer.batches)).toHaveLength(2);
    await put(1);
    await eventually(() => expect(observer.batches).toHaveLength(2));
    expect(repeatedWrites(observer.batches)).toEqual(['1 was written to r/a in 2, and again in 3']);
  });

  it('is seen: a watch that ends', async () => {
    const whole = new Observer('whole', store);
    await store.close();
    expect(historyOf([whole]).faults).toEqual([expect.stringContaining('ended')]);
  });

  const batch = (revision: number, value = revision): Batch => ({
    revision,
    changes: [{ revision, key: 'r/a', value, createRevision: revision, version: 1 }],
  });
  const seenBy = (name: string, from: number, ...batches: Batch[]): Parameters<typeof historyOf>[0][number] => ({
    name,
    from,
    batches,
    faults: [],
  });

  it.each([
    ['misses something', [batch(2), batch(4)]],
    ['misses the beginning', [batch(3), batch(4)]],
    ['repeats something', [batch(2), batch(3), batch(3), batch(4)]],
    ['sees something else', [batch(2), batch(3, 9), batch(4)]],
  ])('is seen: a watch that %s', (_, batches) => {
    const whole = seenBy('whole', 1, batch(2), batch(3), batch(4));
    expect(historyOf([whole, seenBy('other', 2, ...batches)]).faults).not.toEqual([]);
    expect(gaps({ name: 'other', start: 2, batches }, whole.batches)).toHaveLength(1);
  });

  it('is not seen: a watch that begins later, or ends before', () => {
    const whole = seenBy('whole', 1, batch(2), batch(3), batch(4));
    expect(historyOf([whole, seenBy('late', 3, batch(3), batch(4)), seenBy('gone', 1, batch(2))]).faults).toEqual([]);
  });

  it('is seen: an answer that fits into no order', () => {
    const input = { type: 'read', key: 'r/a' } as const;
    const [fault] = linearizabilityFaults([{ client: 0, input, call: 0, return: 1, output: { value: 9 } }]);
    expect(fault).toContain('r/a: no order for');
  });
});
