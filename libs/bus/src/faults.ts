import { type Clock, delay } from '#machinery';
import { type Bus, BusError, type BusSubscription } from './bus';

export interface Faults {
  readonly clock: Clock;
  /** 0 ≤ x < 1; seeded in tests. */
  readonly random: () => number;
  /** Share of published messages that a subscriber does not get, without a gap being reported. */
  readonly lossRate?: number;
  /** Share that it gets twice in a row. */
  readonly duplicateRate?: number;
  /** Each delivery is late by up to this. */
  readonly maxDelayMs?: number;
  /** Share of requests of which the request (half of them) or the answer (the other half) is lost. */
  readonly requestLossRate?: number;
}

/** A bus that loses, doubles and delays what the inner one delivers, within the contract: order is kept. */
export function withFaults(bus: Bus, faults: Faults): Bus {
  const { clock, random, lossRate = 0, duplicateRate = 0, maxDelayMs = 0, requestLossRate = 0 } = faults;
  const stop = new AbortController();
  /** False when the wait was cut short. */
  const wait = async (ms: number, signal: AbortSignal): Promise<boolean> => {
    if (ms <= 0) return !signal.aborted;
    return delay(clock, ms, signal).then(
      () => true,
      () => false,
    );
  };

  return {
    publish: (subject, payload) => bus.publish(subject, payload),
    subscribe(subject, handler, options): BusSubscription {
      const closed = new AbortController();
      const signal = AbortSignal.any([closed.signal, stop.signal]);
      const subscription = bus.subscribe(
        subject,
        async (message) => {
          if (!(await wait(random() * maxDelayMs, signal))) return;
          if (random() < lossRate) return;
          await handler(message);
          if (random() < duplicateRate && !signal.aborted) await handler(message);
        },
        options,
      );
      return {
        close() {
          closed.abort(new Error('closed'));
          subscription.close();
        },
      };
    },
    async request(subject, payload, options) {
      const started = clock.monotonic();
      const left = (): number => options.deadlineMs - (clock.monotonic() - started);
      const fate = random();
      const timeout = async (): Promise<never> => {
        await wait(left(), stop.signal);
        throw new BusError('timeout', `no answer from ${subject} within ${options.deadlineMs} ms`);
      };
      await wait(Math.min(left(), random() * maxDelayMs), stop.signal);
      if (fate < requestLossRate / 2) return timeout();
      const answer = await bus.request(subject, payload, { ...options, deadlineMs: Math.max(1, left()) });
      return fate < requestLossRate ? timeout() : answer;
    },
    serve: (subject, queue, handler) => bus.serve(subject, queue, handler),
    flush: () => bus.flush(),
    close() {
      stop.abort(new Error('closed'));
      return bus.close();
    },
  };
}
