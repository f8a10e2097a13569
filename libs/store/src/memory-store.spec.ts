import { FakeClock } from '#testing';
import { describeKeyValueStore } from './key-value-store.contract';
import { createMemoryStore } from './memory-store';

describeKeyValueStore('the store in memory', async () => {
  const clock = new FakeClock();
  return { store: createMemoryStore({ clock }), advance: (ms) => clock.advance(ms) };
});

it('tells watchers of a write before the writer', async () => {
  const store = createMemoryStore({ clock: new FakeClock() });
  const heard: number[] = [];
  const watch = store.watch({ key: 'a' }, { onBatch: ({ revision }) => heard.push(revision), onEnd: () => undefined });
  const write = store.put({ key: 'a', value: Buffer.from('1') }).then(({ revision }) => heard.push(-revision));
  await write;
  expect(heard).toEqual([2, -2]);
  expect(watch.revision).toBe(2);
  await store.close();
});

it('knows how far each watch has come', async () => {
  const store = createMemoryStore({ clock: new FakeClock() });
  for (let n = 0; n < 5; n++) await store.put({ key: 'a', value: Buffer.from('1') });
  const ignore = { onBatch: () => undefined, onEnd: () => undefined };
  const late = store.watch({ key: 'b', startRevision: 3 }, ignore);
  const now = store.watch({ key: 'b' }, ignore);
  expect([late.revision, now.revision]).toEqual([2, 6]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(late.revision).toBe(6);
  await store.close();
});
