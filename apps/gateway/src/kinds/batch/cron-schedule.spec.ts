import { scheduleProblem } from './cron-schedule';

it.each([
  ['*/5 0-6,12 1 jan-mar MON', undefined],
  ['@daily', undefined],
  ['@every 1h30m', undefined],
  ['? ? ? ? ?', undefined],
  ['@never', 'unrecognized descriptor: @never'],
  ['every day', 'expected exactly 5 fields, found 2: [every day]'],
  ['61 * * * *', 'end of range (61) above maximum (59): 61'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
])('%s: %s', (schedule, problem) => {
  expect(scheduleProblem(schedule)).toBe(problem);
});
