import { FakeClock } from '#testing';
import fc from 'fast-check';
import { WorkQueue } from '../index';

const newQueue = (clock = new FakeClock()) => new WorkQueue({ clock, random: () => 1 });

describe('WorkQueue', () => {
  it('holds a key once and gives keys out in order', async () => {
    const queue = newQueue();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect([await queue.take(), await queue.take(), await queue.take()]).toEqual(['a', 'b', 'c']);
    expect(queue.length).toBe(0);
  });

  it('queues a key again when it was added while in work', async () => {
    const queue = newQueue();
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.add('a');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(queue.length).toBe(1);
    await queue.take();
    queue.done('a');
    expect(queue.idle).toBe(true);
  });

  it('hands a key to a worker that waits', async () => {
    const queue = newQueue();
    const taken = queue.take();
    queue.add('a');
    expect(await taken).toBe('a');
  });

  it('keeps the earliest of several delays', async () => {
    const clock = new FakeClock();
    const queue = newQueue(clock);
    queue.addAfter('a', 100);
    queue.addAfter('a', 50);
    queue.addAfter('a', 200);
    await clock.advance(49);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(queue.length).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('doubles the delay of a key that keeps failing, up to a minute', async () => {
    const clock = new FakeClock();
    const queue = newQueue(clock);
    const delays: number[] = [];
    for (let failure = 0; failure < 16; failure++) {
      const start = clock.monotonic();
      queue.addRateLimited('a');
      const taken = queue.take().then(() => delays.push(clock.monotonic() - start));
      await clock.advance(60_000);
      await taken;
      queue.done('a');
    }
    expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40]);
    expect(delays.at(-1)).toBe(60_000);
    queue.forget('a');
    expect(queue.failuresOf('a')).toBe(0);
  });

  it('lets waiting workers go when it closes or their signal aborts', async () => {
    const clock = new FakeClock();
    const queue = newQueue(clock);
    const controller = new AbortController();
    const aborted = queue.take(controller.signal);
    const waiting = queue.take();
    queue.addAfter('later', 10);
    controller.abort();
    queue.close();
    expect([await aborted, await waiting]).toEqual([undefined, undefined]);
    expect(clock.pending).toBe(0);
  });

  it('never has a key in work twice and forgets none (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('add', 'take', 'done'), fc.constantFrom('a', 'b', 'c'))),
        async (steps) => {
          const queue = newQueue();
          const inWork = new Set<string>();
          const owed = new Set<string>();
          for (const [step, key] of steps) {
            if (step === 'add') {
              queue.add(key);
              owed.add(key);
            } else if (step === 'take' && queue.length > 0) {
              const taken = (await queue.take())!;
              expect(inWork.has(taken)).toBe(false);
              inWork.add(taken);
              owed.delete(taken);
            } else if (step === 'done') {
              queue.done(key);
              inWork.delete(key);
            }
          }
          for (const key of inWork) queue.done(key);
          const rest = new Set<string>();
          while (queue.length > 0) {
            const taken = (await queue.take())!;
            rest.add(taken);
            queue.done(taken);
          }
          expect(rest).toEqual(owed);
        },
      ),
    );
  });
});
