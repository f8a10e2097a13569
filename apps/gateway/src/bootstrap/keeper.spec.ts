import { silentLogger } from '#telemetry';
import { FakeClock } from '#testing';
import { Keeper } from './keeper';

describe('Keeper', () => {
  it('goes on after a failure, and waits for the round in flight when it stops', async () => {
    const clock = new FakeClock();
    let rounds = 0;
    let finish: () => void = () => undefined;
    const keeper = new Keeper(
      () => {
        rounds++;
        if (rounds === 1) return Promise.reject(new Error('the store is away'));
        return new Promise((resolve) => (finish = resolve));
      },
      clock,
      silentLogger(),
    );
    keeper.start();
    await clock.advance(9_999);
    expect(rounds).toBe(0);
    await clock.advance(10_001);
    expect(rounds).toBe(2);
    let isStopped = false;
    const stopping = keeper.stop().then(() => (isStopped = true));
    await clock.advance(60_000);
    expect({ rounds, isStopped }).toEqual({ rounds: 2, isStopped: false });
    finish();
    await stopping;
    expect(clock.pending).toBe(0);
  });
});
