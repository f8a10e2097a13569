import { timeoutMs } from './grpc-timeout';

it.each([
  ['5S', 5_000],
  ['200m', 200],
  ['1H', 3_600_000],
  ['1500000u', 1_500],
  ['99999999n', 99.999999],
  ['', undefined],
  ['5', undefined],
  ['123456789m', undefined],
  ['-1S', undefined],
])('understands %j as %p ms', (text, expected) => {
  if (expected === undefined) expect(timeoutMs(text)).toBeUndefined();
  else expect(timeoutMs(text)).toBeCloseTo(expected);
});
