import { serviceUnavailable } from '#machinery';
import { silentLogger } from '#telemetry';
import { FakeClock } from '#testing';
import { onceStoreAnswers } from './once-store-answers';

const setUp = (failures: Error[]) => {
  const clock = new FakeClock();
  let calls = 0;
  const act = (): Promise<void> => {
    calls++;
    const failure = failures.shift();
    return failure === undefined ? Promise.resolve() : Promise.reject(failure);
  };
  const patience = { clock, random: () => 0.5, logger: silentLogger() };
  return { clock, calls: () => calls, running: onceStoreAnswers(act, patience) };
};
const away = (): Error => serviceUnavailable('the store did not answer in time');

test('is patient with a store that is slow', async () => {
  const { clock, calls, running } = setUp([away(), away()]);
  await clock.advance(499);
  expect(calls()).toBe(1);
  await clock.advance(1_001);
  await running;
  expect(calls()).toBe(3);
  expect(clock.pending).toBe(0);
});

test('is not patient for ever', async () => {
  const { clock, calls, running } = setUp(Array.from({ length: 9 }, away));
  const rejected = expect(running).rejects.toThrow('did not answer');
  await clock.advance(60_000);
  await rejected;
  expect(calls()).toBe(6);
});

test('what is wrong stays wrong', async () => {
  const { calls, running } = setUp([new Error('a defect')]);
  await expect(running).rejects.toThrow('a defect');
  expect(calls()).toBe(1);
});
