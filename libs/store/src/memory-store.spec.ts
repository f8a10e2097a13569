import { FakeClock } from '#testing';
import { describeKeyValueStore } from './key-value-store.contract';
import { createMemoryStore } from './memory-store';

describeKeyValueStore('the store in memory', async () => {
  const clock = new FakeClock();
  return { store: createMemoryStore({ clock }), advance: (ms) => clock.advance(ms) };
});
