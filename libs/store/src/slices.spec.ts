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

/** How often others got their turn while `work` ran. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const tick = (): void => {
    turns++;
    if (!isOver) setImmediate(tick);
  };
  setImmediate(tick);
  await work();
  isOver = true;
  return turns;
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
    const { revision, size: sizeBefore } = await store.status();
    // In steps of 4,000 keys and of 2,000 versions.
    expect(await turnsDuring(() => store.range({ key: 'k', rangeEnd: 'l' }))).toBeGreaterThanOrEqual(4);
    const released = async (): Promise<void> => {
      await store.compact(revision);
      while ((await store.status()).size > sizeBefore / 2) await new Promise((resolve) => setImmediate(resolve));
    };
    expect(await turnsDuring(released)).toBeGreaterThanOrEqual(9);
    expect((await store.range({ key: 'k', rangeEnd: 'l', countOnly: true })).count).toBe(KEYS);
    await store.close();
  });
});
