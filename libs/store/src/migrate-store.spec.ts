import { systemClock } from '#machinery';
import { type KeyValueStore } from './key-value-store';
import { createMemoryStore } from './memory-store';
import { migrateStore } from './migrate-store';

const clock = systemClock;
let from: KeyValueStore;
let to: KeyValueStore;

beforeEach(async () => {
  from = createMemoryStore({ clock });
  to = createMemoryStore({ clock });
  for (let n = 0; n < 1_300; n++) {
    await from.put({ key: `key ${n % 1_200}`, value: Buffer.from(String(n)) });
  }
});
afterEach(async () => {
  await from.close();
  await to.close();
});

describe('migrateStore', () => {
  it('copies every key, and the target is ahead of the source everywhere', async () => {
    const { id } = await from.leaseGrant(60);
    await from.put({ key: 'leased', value: Buffer.from('x'), lease: id });
    const { revision } = await from.range({ key: 'x' });
    const migration = await migrateStore({ from, to, clock });
    expect(migration).toMatchObject({ keys: 1_201, leased: 1, fromRevision: revision });
    const { kvs, count } = await to.range({ key: '\0', rangeEnd: '\0' });
    expect(count).toBe(1_201);
    expect(Math.min(...kvs.map(({ modRevision }) => modRevision))).toBeGreaterThan(revision);
    expect(kvs.find(({ key }) => key === 'key 7')?.value.toString()).toBe('1207');
    await expect(to.range({ key: 'leased', revision })).rejects.toMatchObject({ code: 'compacted' });
  });

  it('refuses a target that has keys, unless told', async () => {
    await to.put({ key: 'own', value: Buffer.from('x') });
    await expect(migrateStore({ from, to, clock })).rejects.toThrow('the target has 1 keys already');
    expect((await to.range({ key: '\0', rangeEnd: '\0' })).count).toBe(1);
    expect(await migrateStore({ from, to, clock, mayHaveKeys: true })).toMatchObject({ keys: 1_200 });
    expect((await to.range({ key: '\0', rangeEnd: '\0' })).count).toBe(1_201);
  });

  it('notices that somebody writes', async () => {
    const say = (line: string): void => {
      if (line.startsWith('copied')) void from.put({ key: 'late', value: Buffer.from('x') });
    };
    await expect(migrateStore({ from, to, clock, say })).rejects.toThrow('was written while it was copied');
  });
});
