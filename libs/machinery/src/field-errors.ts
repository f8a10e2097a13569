import { type FieldPath } from './field-path';
import { goNumber, goQuote } from './go-text';

/** `field.ErrorType` and the text it prints. */
const errorTexts = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  InternalError: 'Internal error',
  FieldValueTypeInvalid: 'Invalid value',
} as const;

export type FieldErrorReason = keyof typeof errorTexts;

/** One reason why an object is invalid; becomes one cause of a 422. */
export interface FieldError {
  readonly reason: FieldErrorReason;
  readonly field: string;
  /** The text without the field, as causes carry it: `Invalid value: "x": must be …`. */
  readonly message: string;
}

type Path = FieldPath | string;

function fieldError(reason: FieldErrorReason, path: Path, value: string | undefined, detail: string): FieldError {
  const parts = [errorTexts[reason], ...(value === undefined ? [] : [value]), ...(detail === '' ? [] : [detail])];
  return { reason, field: String(path), message: parts.join(': ') };
}

/** The value as upstream prints it: quoted strings, plain numbers and booleans, JSON for the rest; nothing is `null`. */
function printValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return goQuote(value);
    case 'number':
      return goNumber(value);
    case 'boolean':
    case 'bigint':
      return String(value);
    default:
      return value === undefined || value === null ? 'null' : JSON.stringify(value);
  }
}

/**
 * Constructors of field errors, named and worded as in upstream's `validation/field`. `detail` is what follows the
 * value; '' leaves it out.
 */
export const field = {
  /** The value refers to something that does not exist. */
  notFound: (path: Path, value: unknown): FieldError => fieldError('FieldValueNotFound', path, printValue(value), ''),

  required: (path: Path, detail = ''): FieldError => fieldError('FieldValueRequired', path, undefined, detail),

  duplicate: (path: Path, value: unknown): FieldError => fieldError('FieldValueDuplicate', path, printValue(value), ''),

  invalid: (path: Path, value: unknown, detail: string): FieldError =>
    fieldError('FieldValueInvalid', path, printValue(value), detail),

  /** `supported` is printed in the order given; upstream's callers sort it. */
  notSupported: (path: Path, value: unknown, supported: readonly string[]): FieldError =>
    fieldError(
      'FieldValueNotSupported',
      path,
      printValue(value),
      supported.length === 0 ? '' : `supported values: ${supported.map(goQuote).join(', ')}`,
    ),

  forbidden: (path: Path, detail: string): FieldError => fieldError('FieldValueForbidden', path, undefined, detail),

  /** The value itself is not repeated: it may be very long. `maximum` is in bytes; a negative one is not mentioned. */
  tooLong: (path: Path, maximum: number): FieldError =>
    fieldError(
      'FieldValueTooLong',
      path,
      undefined,
      maximum < 0 ? 'value is too long' : `may not be more than ${maximum} ${maximum === 1 ? 'byte' : 'bytes'}`,
    ),

  tooMany: (path: Path, actual: number, maximum: number): FieldError =>
    fieldError(
      'FieldValueTooMany',
      path,
      actual < 0 ? undefined : String(actual),
      maximum < 0 ? 'has too many items' : `must have at most ${maximum} ${maximum === 1 ? 'item' : 'items'}`,
    ),

  typeInvalid: (path: Path, value: unknown, detail: string): FieldError =>
    fieldError('FieldValueTypeInvalid', path, printValue(value), detail),

  internal: (path: Path, error: Error): FieldError => fieldError('InternalError', path, undefined, error.message),
} as const;

/** `spec.replicas: Invalid value: -1: must be …`. */
export function formatFieldError(error: FieldError): string {
  return `${error.field}: ${error.message}`;
}

/** Go's `Aggregate`: one text as it is, several as `[a, b]`, repeated ones once. */
export function aggregate(messages: readonly string[]): string {
  const distinct = [...new Set(messages)];
  return distinct.length === 1 ? (distinct[0] ?? '') : `[${distinct.join(', ')}]`;
}
