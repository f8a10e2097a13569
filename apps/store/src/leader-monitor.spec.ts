import { FakeClock } from '#testing';
import { LeaderMonitor } from './leader-monitor';

it('ends streams when there has been no leader for three seconds on end, and looks no longer than there are some', async () => {
  const clock = new FakeClock();
  let hasLeader = true;
  const monitor = new LeaderMonitor(clock, () => hasLeader);
  const ended: string[] = [];
  const release = ['a', 'b', 'c'].map((name) => monitor.add(({ message }) => ended.push(`${name}: ${message}`)));
  release.pop()!();

  await clock.advance(10_000);
  hasLeader = false;
  await clock.advance(2_500);
  hasLeader = true;
  await clock.advance(1_000);
  hasLeader = false;
  await clock.advance(2_000);
  expect(ended).toEqual([]);
  await clock.advance(1_000);
  expect(ended).toEqual(['a: etcdserver: no leader', 'b: etcdserver: no leader']);

  for (const each of release) each();
  expect(clock.pending).toBe(0);
});
