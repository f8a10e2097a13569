import { FakeClock, pod } from '#testing';
import { podInfo, type PodInfo } from './pod-info';
import { SchedulingQueue } from './scheduling-queue';

const info = (name: string, priority = 0, gates: string[] = []): PodInfo => {
  const object = pod(name).build();
  return podInfo({
    ...object,
    metadata: { ...object.metadata, uid: name },
    spec: { ...object.spec!, priority, schedulingGates: gates.map((gate) => ({ name: gate })) },
  });
};

describe('SchedulingQueue', () => {
  const clock = new FakeClock();
  let queue: SchedulingQueue;
  const pop = (): string | undefined => queue.pop()?.info.uid;

  beforeEach(() => (queue = new SchedulingQueue(clock, () => undefined)));
  afterEach(() => {
    queue.stop();
    expect(clock.pending).toBe(0);
  });

  it('hands out the most important first, then the oldest', async () => {
    for (const [name, priority] of [
      ['a', 0],
      ['b', 5],
      ['c', 5],
      ['d', 9],
    ] as const) {
      queue.add(info(name, priority));
      await clock.advance(1);
    }
    expect([pop(), pop(), pop(), pop(), pop()]).toEqual(['d', 'b', 'c', 'a', undefined]);
  });

  it('parks a pod that fits nowhere until the cluster changes, and then honours its back-off', async () => {
    queue.add(info('a'));
    const { change } = queue.pop()!;
    queue.park('a', change);
    expect(pop()).toBeUndefined();
    queue.clusterChanged();
    expect(pop()).toBeUndefined();
    await clock.advance(1_000);
    expect(pop()).toBe('a');
  });

  it('tries again after a back-off when the cluster changed during the attempt', async () => {
    queue.add(info('a'));
    const { change } = queue.pop()!;
    queue.clusterChanged();
    queue.park('a', change);
    expect(queue.counts()).toMatchObject({ backoff: 1, unschedulable: 0 });
    await clock.advance(1_000);
    expect(pop()).toBe('a');
  });

  it('doubles the back-off up to ten seconds', async () => {
    queue.add(info('a'));
    const waits: number[] = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      queue.pop();
      queue.retryLater('a');
      const start = clock.monotonic();
      while (queue.counts().active === 0) await clock.advance(500);
      waits.push(clock.monotonic() - start);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  it('gives an unschedulable pod another chance after five minutes', async () => {
    queue.add(info('a'));
    queue.park('a', queue.pop()!.change);
    await clock.advance(5 * 60_000);
    expect(pop()).toBe('a');
  });

  it('holds a gated pod back until its last gate is gone', () => {
    queue.add(info('a', 0, ['example.com/quota']));
    expect(pop()).toBeUndefined();
    expect(queue.counts().gated).toBe(1);
    queue.add(info('a'));
    expect(pop()).toBe('a');
  });

  it('forgets a removed pod wherever it is', () => {
    queue.add(info('a'));
    queue.remove('a');
    expect(pop()).toBeUndefined();
    expect(queue.size).toBe(0);
  });
});
