import { createInProcessBus } from '#bus';
import { Quiescence } from './quiescence';
import { TestClock } from './test-clock';

const clock = new TestClock();
const create = (isIdle = () => true) => {
  const quiescence = new Quiescence({ isIdle });
  return { quiescence, bus: quiescence.watch(createInProcessBus({ clock, random: Math.random })) };
};
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

test('waits for requests, and for what their answers set off', async () => {
  const { quiescence, bus } = create();
  const log: string[] = [];
  bus.serve('slow', 'q', async () => {
    // Off this thread, as signing is: no turn of the event loop shows it.
    await new Promise((resolve) => setTimeout(resolve, 10));
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
  setTimeout(() => (isIdle = true), 10);
  await quiescence.settle();
  expect(isIdle).toBe(true);
});

test('what does not move waits for the clock, and is not waited for', async () => {
  const { quiescence } = create(() => false);
  await quiescence.settle();
  // It is known by now.
  await quiescence.settle();
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
