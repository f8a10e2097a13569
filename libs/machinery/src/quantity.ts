/** How a quantity likes to be written. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** `resource.Quantity`: an exact fixed-point number. Immutable. */
export interface Quantity {
  /** The value times 10⁹; nothing finer can be expressed. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;
  /** The text it was read from, where upstream keeps it: it is already short, though not always canonical (`001`). */
  readonly text?: string;
}

const nano = 1_000_000_000n;
const maxInt64 = (1n << 63n) - 1n;

const suffixes: Readonly<Record<string, readonly [base: 2 | 10, exponent: number, format: QuantityFormat]>> = {
  n: [10, -9, 'DecimalSI'],
  u: [10, -6, 'DecimalSI'],
  m: [10, -3, 'DecimalSI'],
  '': [10, 0, 'DecimalSI'],
  k: [10, 3, 'DecimalSI'],
  M: [10, 6, 'DecimalSI'],
  G: [10, 9, 'DecimalSI'],
  T: [10, 12, 'DecimalSI'],
  P: [10, 15, 'DecimalSI'],
  E: [10, 18, 'DecimalSI'],
  Ki: [2, 10, 'BinarySI'],
  Mi: [2, 20, 'BinarySI'],
  Gi: [2, 30, 'BinarySI'],
  Ti: [2, 40, 'BinarySI'],
  Pi: [2, 50, 'BinarySI'],
  Ei: [2, 60, 'BinarySI'],
};

const decimalSuffixes = new Map([...entriesOf('DecimalSI')].map(([suffix, exponent]) => [exponent, suffix]));
const binarySuffixes = new Map([...entriesOf('BinarySI')].map(([suffix, exponent]) => [exponent, suffix]));

function* entriesOf(format: QuantityFormat): Generator<[string, number]> {
  for (const [suffix, [, exponent, of]] of Object.entries(suffixes)) if (of === format) yield [suffix, exponent];
}

/** Exponents beyond this are refused: upstream stores them unevaluated, and nobody has 10^1000 of anything. */
const maximumExponent = 1000;

const errorTexts = {
  format: "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  numeric: 'unable to parse numeric part of quantity',
  suffix: "unable to parse quantity's suffix",
};

/** The text is not a quantity; the message is upstream's. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

/** Reads a quantity as JSON carries it: a string, or a number. Throws `QuantityError`. */
export function parseQuantity(input: string | number): Quantity {
  const text = (typeof input === 'number' ? numberText(input) : input).trim();
  if (text === '0') return { nanos: 0n, format: 'DecimalSI', text };
  const match = /^([+-]?)0*(\d*)(?:(\.)(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/.exec(text);
  if (text === '' || match === null) throw new QuantityError(errorTexts.format);
  const [, sign = '', digits = '', , fraction = '', suffixText = ''] = match;
  const [base, exponent, format] = interpretSuffix(suffixText);
  const whole = digits === '' ? '0' : digits;
  const negative = sign === '-';
  const shifted = whole + fraction;
  const unscaled = BigInt(shifted);

  const amount = base === 2 ? unscaled << BigInt(exponent) : unscaled;
  const scale = (base === 2 ? 0 : exponent) - fraction.length;
  const magnitude = toNanos(amount, scale);
  if (isKept(unscaled, shifted, whole.length, fraction.length, base, exponent, scale)) {
    return { nanos: negative ? -magnitude : magnitude, format, text };
  }
  if (base === 10) return { nanos: negative ? -magnitude : magnitude, format };
  // Below 1 there is no binary suffix, and above int64 upstream saturates.
  const capped = magnitude > maxInt64 * nano ? maxInt64 * nano : magnitude;
  return { nanos: negative ? -capped : capped, format: capped > 0n && capped < nano ? 'DecimalSI' : 'BinarySI' };
}

/** JSON's number as JSON wrote it, as far as that is known: whole numbers never in exponent form. */
function numberText(input: number): string {
  if (!Number.isFinite(input)) throw new QuantityError(errorTexts.format);
  return Number.isInteger(input) ? BigInt(input).toString() : String(input);
}

function interpretSuffix(text: string): readonly [base: 2 | 10, exponent: number, format: QuantityFormat] {
  const known = Object.hasOwn(suffixes, text) ? suffixes[text] : undefined;
  if (known !== undefined) return known;
  if (!/^[eE][+-]?\d+$/.test(text)) throw new QuantityError(errorTexts.suffix);
  const exponent = Number(text.slice(1));
  if (Math.abs(exponent) > maximumExponent) throw new QuantityError(errorTexts.suffix);
  return [10, exponent, 'DecimalExponent'];
}

/** Whoever asks for too little gets the least there is: values round away from zero at 10⁻⁹. */
function toNanos(amount: bigint, scale: number): bigint {
  const shift = scale + 9;
  return shift >= 0 ? amount * 10n ** BigInt(shift) : divideUp(amount, 10n ** BigInt(-shift));
}

function divideUp(amount: bigint, divisor: bigint): bigint {
  const quotient = amount / divisor;
  if (amount % divisor === 0n) return quotient;
  return amount < 0n ? quotient - 1n : quotient + 1n;
}

/** Upstream's fast path: a text that looks canonical is kept, so that `1.500` and `001` come back as they were sent. */
function isKept(
  unscaled: bigint,
  shifted: string,
  wholeLength: number,
  fractionLength: number,
  base: 2 | 10,
  exponent: number,
  scale: number,
): boolean {
  if (unscaled > maxInt64) return false;
  if (base === 2) {
    const precision = 15 - wholeLength - Math.trunc((exponent * 3) / 10) - 1;
    return fractionLength === 0 && precision >= 0 && (unscaled & 7n) !== 0n && unscaled << BigInt(exponent) <= maxInt64;
  }
  return (
    wholeLength + fractionLength <= 18 &&
    scale >= -9 &&
    scale % 3 === 0 &&
    !shifted.endsWith('000') &&
    shifted[0] !== '0'
  );
}

/** The text of a quantity. `parseQuantity(formatQuantity(q))` has the same value. */
export function formatQuantity(quantity: Quantity): string {
  if (quantity.text !== undefined) return quantity.text;
  const { nanos, format } = quantity;
  if (nanos === 0n) return '0';
  if (format === 'BinarySI' && nanos % nano === 0n) {
    const whole = nanos / nano;
    if (whole <= -1024n || whole >= 1024n) return formatBinary(whole);
  }
  return formatDecimal(nanos, format === 'BinarySI' ? 'DecimalSI' : format);
}

function formatBinary(whole: bigint): string {
  let [mantissa, exponent] = [whole, 0];
  while (exponent < 60 && mantissa % 1024n === 0n) [mantissa, exponent] = [mantissa / 1024n, exponent + 10];
  return `${mantissa}${binarySuffixes.get(exponent) ?? ''}`;
}

function formatDecimal(nanos: bigint, format: QuantityFormat): string {
  let [mantissa, exponent] = [nanos, -9];
  while (mantissa % 1000n === 0n) [mantissa, exponent] = [mantissa / 1000n, exponent + 3];
  const suffix = format === 'DecimalSI' ? decimalSuffixes.get(exponent) : undefined;
  return `${mantissa}${suffix ?? (exponent === 0 ? '' : `e${exponent}`)}`;
}

/** The text that the API answers with for what it was sent. Throws `QuantityError`. */
export function canonicalQuantity(input: string | number): string {
  // What most manifests say is canonical at a glance.
  if (typeof input === 'string' && /^[1-9]\d{0,2}(?:m|Ki|Mi|Gi)?$/.test(input)) return input;
  return formatQuantity(parseQuantity(input));
}

/** Negative, zero or positive, as `Array.sort` wants it. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
}

/** The sum, written like `a` unless that is zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nanos: a.nanos + b.nanos, format: a.nanos === 0n ? b.format : a.format };
}

export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return { nanos: a.nanos - b.nanos, format: a.nanos === 0n ? b.format : a.format };
}

export const zeroQuantity: Quantity = { nanos: 0n, format: 'DecimalSI' };

/** `count` of a unit: `quantityOf(5)`, `quantityOf(250, -3)` is 250m. */
export function quantityOf(count: number | bigint, exponent = 0, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { nanos: toNanos(BigInt(count), exponent), format };
}

/** Upstream's `Value()`: whole units, rounded away from zero. */
export function wholeValue(quantity: Quantity): bigint {
  return divideUp(quantity.nanos, nano);
}

/** Upstream's `MilliValue()`: thousandths, rounded away from zero. */
export function milliValue(quantity: Quantity): bigint {
  return divideUp(quantity.nanos, 1_000_000n);
}

/** The nearest double. For display and ratios, not for accounting. */
export function quantityToNumber(quantity: Quantity): number {
  const whole = quantity.nanos / nano;
  return Number(whole) + Number(quantity.nanos - whole * nano) / 1e9;
}

/** Rounds away from zero to a multiple of 10^exponent; the text is kept when there is nothing to round. */
export function roundQuantityUp(quantity: Quantity, exponent: number): Quantity {
  const unit = 10n ** BigInt(exponent + 9);
  if (quantity.nanos % unit === 0n && quantity.text !== undefined && !quantity.text.includes('.')) return quantity;
  return { nanos: divideUp(quantity.nanos, unit) * unit, format: quantity.format };
}
