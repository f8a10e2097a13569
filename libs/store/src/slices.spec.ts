import { FakeClock } from '#testing';
import { type KeyValueStore } from './key-value-store';
import { createMemoryStore } from './memory-store';

const KEYS = 20_000;

async function fill(store: KeyValueStore): Promise<void> {
  for (let n = 0; n < KEYS; n += 100) {
    const keys = Array.from({ length: 100 }, (_, offset) => `k${String(n + offset).padStart(6, '0')}`);
    const success = keys.map((key) => ({ type: 'put', request: { key, value: Buffer.from('1') } }) as const);
    await store.txn({ compare: [], success });
  }
}

/** The longest time that a timer had to wait for its turn while `work` ran. */
async function longestStall(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let isOver = false;
  const tick = (): void => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
    if (!isOver) setImmediate(tick);
  };
  setImmediate(tick);
  await work();
  isOver = true;
  return longest;
}

describe('a large range', () => {
  it('is read in slices, as of one revision, while writes go on', async () => {
    const store = createMemoryStore({ clock: new FakeClock() });
    await fill(store);
    const { revision } = await store.status();
    let written = 0;
    let isOver = false;
    const writing = (async () => {
      while (!isOver) {
        await store.deleteRange({ key: `k${String(KEYS - 1 - written).padStart(6, '0')}` });
        await store.put({ key: `k${String(KEYS - 1 - written++).padStart(6, '0')}x`, value: Buffer.from('2') });
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const response = await store.range({ key: 'k', rangeEnd: 'l' });
    isOver = true;
    await writing;
    expect(written).toBeGreaterThan(1);
    expect(response.revision).toBe(revision);
    expect(response.count).toBe(KEYS);
    expect(response.kvs.every(({ modRevision }) => modRevision <= revision)).toBe(true);
    await store.close();
  });

  it('leaves room for others, and so does compaction', async () => {
    const store = createMemoryStore({ clock: new FakeClock() });
    await fill(store);
    await fill(store);
    const { revision, size } = await store.status();
    // Generous, for a busy machine: in one piece it takes longer.
    expect(await longestStall(() => store.range({ key: 'k', rangeEnd: 'l' }))).toBeLessThan(50);
    const released = async (): Promise<void> => {
      await store.compact(revision);
      while ((await store.status()).size > size / 2) await new Promise((resolve) => setImmediate(resolve));
    };
    expect(await longestStall(released)).toBeLessThan(50);
    expect((await store.range({ key: 'k', rangeEnd: 'l', countOnly: true })).count).toBe(KEYS);
    await store.close();
  });
});
