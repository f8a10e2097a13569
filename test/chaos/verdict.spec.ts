import { createMemoryStore, type KeyValueStore } from '#store';
import { systemClock } from '#machinery';
import { eventually } from '../tools/eventually';
import { Observer } from './observer';
import { linearizabilityFaults, lostWrites, watchFaults } from './verdict';

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
    const late = new Observer('late', store);
    await eventually(() => {
      for (const { changes } of [early, late]) expect(changes).toEqual(written);
    });
    expect(watchFaults([early, late])).toEqual([]);
    expect(lostWrites(written, early.changes)).toEqual([]);
  });

  it('is seen: a write that is lost, and one that happened otherwise than was told', async () => {
    const observer = new Observer('one', store);
    const written = await put(1);
    await eventually(() => expect(observer.changes).toHaveLength(1));
    const lost = { ...written, revision: written.revision + 1 };
    const other = { ...written, value: 2 };
    expect(lostWrites([written, lost, other], observer.changes)).toHaveLength(2);
  });

  it('is seen: a watch that misses something, repeats something, or ends', async () => {
    const whole = new Observer('whole', store);
    const late = new Observer('late', store);
    await put(1);
    await eventually(() => expect(late.changes).toHaveLength(1));
    late.stop();
    await put(2);
    await eventually(() => expect(whole.changes).toHaveLength(2));
    expect(watchFaults([whole, late])).toEqual([expect.stringContaining('whole saw 2 changes, late 1')]);

    await store.close();
    expect(watchFaults([whole])).toEqual([expect.stringContaining('ended')]);
  });

  it('is seen: an answer that fits into no order', () => {
    const input = { type: 'read', key: 'r/a' } as const;
    const [fault] = linearizabilityFaults([{ client: 0, input, call: 0, return: 1, output: { value: 9 } }]);
    expect(fault).toContain('r/a: no order for');
  });
});
