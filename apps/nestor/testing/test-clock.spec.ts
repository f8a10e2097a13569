import fc from 'fast-check';
import { TestClock } from './test-clock';

const noWait = (): Promise<void> => Promise.resolve();

test('time goes on by itself', async () => {
  const clock = new TestClock();
  const from = clock.monotonic();
  await new Promise<void>((resolve) => clock.setTimer(5, resolve));
  expect(clock.monotonic() - from).toBeGreaterThanOrEqual(5);
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1000);
});

test('an advance adds to the time, and keeps what was added', async () => {
  const clock = new TestClock();
  const [wall, monotonic] = [clock.now(), clock.monotonic()];
  await clock.advance(3_600_000, noWait);
  expect(clock.monotonic() - monotonic).toBeGreaterThanOrEqual(3_600_000);
  expect(clock.now() - wall).toBeGreaterThanOrEqual(3_600_000);
  await new Promise<void>((resolve) => clock.setTimer(1, resolve));
  expect(clock.pending).toBe(0);
});

test('timers fire in order of their time, also those that others set, and no cancelled one does', async () => {
  const timers = fc.array(fc.record({ ms: fc.nat(500), then: fc.option(fc.nat(500)), isCancelled: fc.boolean() }));
  await fc.assert(
    fc.asyncProperty(timers, async (plan) => {
      const clock = new TestClock();
      const fired: number[] = [];
      const late: string[] = [];
      // Long after now, so that real time, which goes on meanwhile, plays no part.
      const from = clock.monotonic();
      const set = (ms: number, then: number | null): { cancel(): void } => {
        const due = clock.monotonic() + ms;
        return clock.setTimer(ms, () => {
          if (Math.abs(clock.monotonic() - due) > 1e-6 + 100) late.push(`${clock.monotonic()} for ${due}`);
          fired.push(clock.monotonic());
          if (then !== null) set(then, null);
        });
      };
      const running = plan.map(({ ms, then }) => set(100_000 + ms, then));
      plan.forEach(({ isCancelled }, index) => isCancelled && running[index]?.cancel());
      await clock.advance(101_000 + (clock.monotonic() - from), noWait);
      const kept = plan.filter(({ isCancelled }) => !isCancelled);
      const expected = kept.length + kept.filter(({ then }) => then !== null).length;
      expect(fired).toHaveLength(expected);
      expect(fired).toEqual([...fired].sort((a, b) => a - b));
      expect(late).toEqual([]);
      expect(clock.pending).toBe(0);
    }),
  );
});

test('each timer is let come to rest before the next', async () => {
  const clock = new TestClock();
  const log: string[] = [];
  clock.setTimer(10_000, () => log.push('a'));
  clock.setTimer(10_000, () => log.push('b'));
  clock.setTimer(20_000, () => log.push('c'));
  await clock.advance(15_000, async () => {
    await Promise.resolve();
    log.push('rest');
  });
  expect(log).toEqual(['rest', 'a', 'rest', 'b', 'rest']);
  await clock.advance(15_000, noWait);
  expect(log.at(-1)).toBe('c');
});

test('advances happen one after the other; one that fails stops no other', async () => {
  const clock = new TestClock();
  const from = clock.monotonic();
  const [first, second] = [
    clock.advance(60_000, () => Promise.reject(new Error('cannot settle'))),
    clock.advance(60_000, noWait),
  ];
  await expect(first).rejects.toThrow('cannot settle');
  await second;
  expect(clock.monotonic() - from).toBeGreaterThanOrEqual(60_000);
});
