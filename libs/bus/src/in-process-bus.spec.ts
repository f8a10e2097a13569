import { systemClock } from '#machinery';
import { FakeClock } from '#testing';
import { createInProcessBus } from '../index';
import { busContract } from '../../../test/bus/bus.contract';
import { withFaults } from './faults';

describe('in-process bus', () => {
  busContract(async () => {
    const bus = createInProcessBus({ clock: systemClock, random: Math.random });
    return { a: bus, b: bus, close: () => bus.close() };
  });

  it('hands over the very same object', async () => {
    const bus = createInProcessBus({ clock: systemClock, random: Math.random });
    const payload = { a: 1 };
    const received = new Promise((resolve) => bus.subscribe('x', (message) => resolve(message.payload)));
    bus.publish('x', payload);
    expect(await received).toBe(payload);
    await bus.close();
  });

  it('leaves no timer behind', async () => {
    const clock = new FakeClock();
    const bus = createInProcessBus({ clock, random: Math.random });
    bus.serve('x', 'q', async () => ({}));
    bus.serve('hangs', 'q', () => new Promise(() => undefined));
    await bus.request('x', {}, { deadlineMs: 1000 });
    const hanging = bus.request('hangs', {}, { deadlineMs: 1000 });
    const rejected = expect(hanging).rejects.toMatchObject({ code: 'closed' });
    await bus.close();
    await rejected;
    expect(clock.pending).toBe(0);
  });
});

describe('in-process bus, JSON round trip and delay', () => {
  busContract(async () => {
    const paranoid = { clock: systemClock, random: Math.random, maxDelayMs: 1 };
    const inner = createInProcessBus({ ...paranoid, mode: 'direct' });
    const bus = withFaults(inner, paranoid);
    return { a: bus, b: bus, close: () => bus.close() };
  });
});

describe('faults', () => {
  it('lose, double and delay, but never reorder', async () => {
    const clock = new FakeClock();
    let seed = 7;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    const bus = withFaults(createInProcessBus({ clock, random }), {
      clock,
      random,
      lossRate: 0.2,
      duplicateRate: 0.2,
      maxDelayMs: 10,
    });
    const seen: number[] = [];
    bus.subscribe('x', ({ payload }) => void seen.push((payload as { i: number }).i));
    for (let i = 0; i < 200; i++) bus.publish('x', { i });
    await clock.advance(5000);
    expect(seen.length).toBeGreaterThan(100);
    expect(new Set(seen).size).toBeLessThan(200);
    expect(new Set(seen).size).toBeLessThan(seen.length);
    expect([...seen].sort((x, y) => x - y)).toEqual(seen);
    await bus.close();
    expect(clock.pending).toBe(0);
  });

  it('may lose a request or its answer: both end in a timeout', async () => {
    const clock = new FakeClock();
    const fates = [0, 0, 0.9, 0];
    const bus = withFaults(createInProcessBus({ clock, random: () => 0 }), {
      clock,
      random: () => fates.shift() ?? 0,
      requestLossRate: 1,
    });
    let handled = 0;
    bus.serve('x', 'q', async () => ({ n: ++handled }));
    const errors: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      const request = bus.request('x', {}, { deadlineMs: 100 }).catch((error: unknown) => errors.push(error));
      await clock.advance(100);
      await request;
    }
    expect(errors).toMatchObject([{ code: 'timeout' }, { code: 'timeout' }]);
    expect(handled).toBe(1);
    await bus.close();
  });
});
