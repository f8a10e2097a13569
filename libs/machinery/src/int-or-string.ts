/** `intstr.IntOrString`: a number, or a text that may be a percentage. */
export type IntOrString = number | string;

/**
 * The number that `value` stands for: itself, or the percentage of `total`. Throws an `Error` with upstream's text for a
 * string that is no percentage.
 */
export function scaledValue(value: IntOrString, total: number, rounding: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const exact = (percentOf(value) * total) / 100;
  return rounding === 'up' ? Math.ceil(exact) : Math.floor(exact);
}

function percentOf(value: string): number {
  if (!value.endsWith('%')) {
    throw new Error('invalid value for IntOrString: invalid type: string is not a percentage');
  }
  const digits = value.slice(0, -1);
  if (!/^[+-]?\d+$/.test(digits)) {
    throw new Error(
      `invalid value for IntOrString: invalid value "${value}": strconv.Atoi: parsing "${digits}": invalid syntax`,
    );
  }
  return Number(digits);
}
