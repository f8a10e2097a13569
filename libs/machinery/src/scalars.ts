import { goNumber, goQuote } from './go-text';
import { goJsonKind } from './go-types';
import { canonicalQuantity, QuantityError } from './quantity';

/** A value of the wrong type or form; the message is Go's. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';

  constructor(
    message: string,
    /** What Go would have liked; errors of strategic merge patches name nothing else. */
    readonly goType?: string,
  ) {
    super(message);
  }
}

const integerRanges: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63 - 1],
};

/** Whether the number fits the integer type; integers beyond 2^53 lose digits, as everywhere in JavaScript. */
export function isIntegerOf(value: number, format: string): boolean {
  const [low, high] = integerRanges[format] ?? integerRanges.int64 ?? [0, 0];
  return Number.isInteger(value) && value >= low && value <= high && !(format === 'int64' && value >= 2 ** 63);
}

/** Base64 as Go's `StdEncoding` reads it, written back in canonical form. */
export function decodeBase64(text: string): string {
  const compact = text.replace(/[\r\n]/g, '');
  const bad = /[^A-Za-z0-9+/=]/.exec(compact);
  const padding = compact.indexOf('=');
  let position = bad?.index ?? -1;
  if (position < 0 && padding >= 0 && !/^=?=?$/.test(compact.slice(padding))) position = padding;
  if (position < 0 && compact.length % 4 !== 0) position = compact.length - (compact.length % 4);
  if (position >= 0) throw new DecodeError(`illegal base64 data at input byte ${position}`);
  return Buffer.from(compact, 'base64').toString('base64');
}

const timePattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;
const timeLayout = '2006-01-02T15:04:05Z07:00';

/** RFC 3339 in UTC: whole seconds (`metav1.Time`) or microseconds (`metav1.MicroTime`). */
export function decodeTime(value: unknown, micro: boolean): string {
  if (typeof value !== 'string')
    throw new DecodeError(`json: cannot unmarshal ${goJsonKind(value)} into Go value of type string`);
  const match = timePattern.exec(value);
  const milliseconds = match === null ? NaN : Date.parse(value.replace(',', '.'));
  if (match === null || Number.isNaN(milliseconds)) throw new DecodeError(timeError(value, match !== null));
  const seconds = new Date(milliseconds).toISOString().slice(0, 19);
  return micro ? `${seconds}.${(match[7] ?? '').slice(0, 6).padEnd(6, '0')}Z` : `${seconds}Z`;
}

/** Parts of the layout, as Go consumes them. */
const timeParts: readonly (readonly [layout: string, pattern: RegExp])[] = [
  ['2006', /^\d{4}/],
  ['-', /^-/],
  ['01', /^\d\d/],
  ['-', /^-/],
  ['02', /^\d\d/],
  ['T', /^T/],
  ['15', /^\d\d/],
  [':', /^:/],
  ['04', /^\d\d/],
  [':', /^:/],
  ['05', /^\d\d(?:[.,]\d+)?/],
  ['Z07:00', /^(?:Z|[+-]\d\d:\d\d)/],
];

function timeError(value: string, outOfRange: boolean): string {
  const head = `parsing time ${goQuote(value)}`;
  if (outOfRange) return `${head}: day out of range`;
  let rest = value;
  for (const [layout, pattern] of timeParts) {
    const match = pattern.exec(rest);
    if (match === null) return `${head} as "${timeLayout}": cannot parse ${goQuote(rest)} as "${layout}"`;
    rest = rest.slice(match[0].length);
  }
  return `${head}: extra text: ${goQuote(rest)}`;
}

export function decodeQuantity(value: unknown): string {
  try {
    return canonicalQuantity(
      typeof value === 'number' ? value : typeof value === 'string' ? value : JSON.stringify(value),
    );
  } catch (error) {
    throw error instanceof QuantityError ? new DecodeError(error.message) : error;
  }
}

export function decodeIntOrString(value: unknown): number | string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && isIntegerOf(value, 'int32')) return value;
  const shown = typeof value === 'number' ? `number ${goNumber(value)}` : goJsonKind(value);
  throw new DecodeError(`json: cannot unmarshal ${shown} into Go value of type int32`);
}
