import { createInProcessBus } from '#bus';
import { Quiescence } from './quiescence';
import { TestClock } from './test-clock';

const clock = new TestClock();
/** @param now real time, which stands still unless told */
const create = (isIdle = () => true, now = () => 0) => {
  const quiescence = new Quiescence({ isIdle, now });
  return { quiescence, bus: quiescence.watch(createInProcessBus({ clock, random: Math.random })) };
};
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

test('waits for requests, and for what their answers set off', async () => {
  const { quiescence, bus } = create();
  const log: string[] = [];
  bus.serve('slow', 'q', async () => {
    // As signing, off this thread: many turns of the event loop show nothing of it.
    await turns(50);
    return 'answer';
  });
  void bus.request('slow', {}, { deadlineMs: 1000 }).then(async () => {
    await turns(2);
    bus.publish('event', { events: ['one'] });
  });
  bus.subscribe('event', async () => {
    await turns(8);
    log.push('handled');
  });
  await quiescence.settle();
  expect(log).toEqual(['handled']);
  await bus.close();
});

test('waits for components that have something in work', async () => {
  let isIdle = false;
  const { quiescence } = create(() => isIdle);
  void turns(50).then(() => (isIdle = true));
  await quiescence.settle();
  expect(isIdle).toBe(true);
});

test('what does not move waits for the clock, and is not waited for', async () => {
  let time = 0;
  const { quiescence } = create(
    () => false,
    () => time++,
  );
  await quiescence.settle();
  // It is known by now.
  const before = time;
  await quiescence.settle();
  expect(time - before).toBeLessThan(5);
});

test('empty intervals are no news', async () => {
  const { quiescence, bus } = create();
  const settled = quiescence.settle();
  let isSettled = false;
  void settled.then(() => (isSettled = true));
  for (let i = 0; i < 50 && !isSettled; i++) {
    bus.publish('event', { prev: 1, rev: 1, events: [] });
    await turns(1);
  }
  expect(isSettled).toBe(true);
  await bus.close();
});
