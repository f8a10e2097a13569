import fc from 'fast-check';
import { scaledValue } from './int-or-string';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  milliValue,
  parseQuantity,
  QuantityError,
  quantityOf,
  roundQuantityUp,
  subtractQuantities,
  wholeValue,
} from './quantity';

describe('quantities', () => {
  it.each([
    [0, '0'],
    ['0.0', '0'],
    [2, '2'],
    [1048576, '1048576'],
    ['1000', '1k'],
    ['0.1', '100m'],
    ['1.5', '1500m'],
    ['1.500', '1.500'],
    ['100.5', '100500m'],
    ['001', '001'],
    ['12E-2', '120e-3'],
    ['1E3', '1E3'],
    ['12E', '12E'],
    ['0.5Gi', '512Mi'],
    ['1.5Gi', '1536Mi'],
    ['1048576Mi', '1Ti'],
    ['1024', '1024'],
    ['1024Mi', '1Gi'],
    ['0.3Ki', '307200m'],
    ['0.1n', '1n'],
    ['100u', '100u'],
    ['-1.5', '-1500m'],
    ['1000E', '1e21'],
    ['10Ei', '9223372036854775807'],
    [' 1Gi ', '1Gi'],
  ])('%s is %s', (input, canonical) => expect(canonicalQuantity(input)).toBe(canonical));

  it.each([
    ['', 'regular expression'],
    ['abc', 'regular expression'],
    ['1 Gi', 'regular expression'],
    ['1i', 'suffix'],
    ['1gi', 'regular expression'],
    ['1e', 'suffix'],
    ['1e99999', 'suffix'],
  ])('refuses %j', (input, text) => {
    expect(() => parseQuantity(input)).toThrow(QuantityError);
    expect(() => parseQuantity(input)).toThrow(text);
  });

  const quantity = fc
    .tuple(
      fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
      fc.constantFrom('n', 'u', 'm', '', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3', 'E-6'),
    )
    .map(([count, suffix]) => parseQuantity(`${count}${suffix}`));

  it('keeps the value through its text, and settles after one round', () => {
    fc.assert(
      fc.property(quantity, (value) => {
        const again = parseQuantity(formatQuantity(value));
        expect(again.nanos).toBe(value.nanos);
        expect(formatQuantity(again)).toBe(formatQuantity(value));
      }),
    );
  });

  it('adds and subtracts exactly', () => {
    fc.assert(
      fc.property(quantity, quantity, (a, b) => {
        expect(compareQuantities(subtractQuantities(addQuantities(a, b), b), a)).toBe(0);
        expect(compareQuantities(addQuantities(a, b), addQuantities(b, a))).toBe(0);
        expect(compareQuantities(a, b)).toBe(-compareQuantities(b, a) + 0);
      }),
    );
  });

  it('rounds away from zero', () => {
    expect([
      wholeValue(parseQuantity('1.2')),
      wholeValue(parseQuantity('-1.2')),
      milliValue(parseQuantity('1n')),
    ]).toEqual([2n, -2n, 1n]);
    expect(formatQuantity(roundQuantityUp(parseQuantity('0.0005'), -3))).toBe('1m');
    expect(formatQuantity(roundQuantityUp(parseQuantity('001'), -3))).toBe('001');
    expect(formatQuantity(quantityOf(250, -3))).toBe('250m');
  });
});

describe('scaledValue', () => {
  it.each([
    [3, 10, 'up', 3],
    ['25%', 10, 'up', 3],
    ['25%', 10, 'down', 2],
    ['0%', 10, 'up', 0],
    ['150%', 4, 'up', 6],
  ] as const)('%s of %s rounded %s is %s', (value, total, rounding, expected) => {
    expect(scaledValue(value, total, rounding)).toBe(expected);
  });

  it('refuses what is no percentage', () => {
    expect(() => scaledValue('5', 1, 'up')).toThrow(
      'invalid value for IntOrString: invalid type: string is not a percentage',
    );
  });
});
