import { goNumber, goQuote } from './go-text';
import { goJsonKind, goTypeName } from './go-types';
import { setOwn } from './json-tree';
import { type JsonValue } from './objects';
import { decodeBase64, DecodeError, decodeIntOrString, decodeQuantity, decodeTime, isIntegerOf } from './scalars';
import { type FieldSchema, type ScalarSchema, type Schema, type StructSchema } from './schema';

/** What `decodeValue` made of a value. */
export interface Decoded {
  /** A new value; the input is not changed. */
  readonly value: JsonValue;
  /** `unknown field "spec.foo"`, in document order, at most 100. These fields are not part of the value. */
  readonly strictErrors: readonly string[];
}

const maximumStrictErrors = 100;

/**
 * Reads JSON as Go would read it into the type and write it back: unknown fields vanish, nulls become absent, empty
 * optional lists and maps are left out, quantities, times and base64 get their canonical form. Throws `DecodeError` with
 * Go's text for the first value of a wrong type.
 */
export function decodeValue(value: JsonValue, schema: Schema): Decoded {
  const decoder = new Decoder();
  return { value: decoder.decode(value, schema) ?? null, strictErrors: decoder.strictErrors };
}

/** The value that Go has where nobody wrote one: embedded objects exist, everything else optional does not. */
export function zeroStruct(schema: StructSchema): Record<string, JsonValue> {
  const zero: Record<string, JsonValue> = {};
  fillIn(zero, schema);
  return zero;
}

class Decoder {
  readonly strictErrors: string[] = [];
  /** Steps from the root: fields, indices, and keys of maps behind a NUL. Formatted only when an error needs it. */
  private readonly path: (string | number)[] = [];
  private struct: StructSchema | undefined;

  decode(value: JsonValue, schema: Schema): JsonValue | undefined {
    if (value === null) return undefined;
    switch (schema.type) {
      case 'any':
        return value;
      case 'quantity':
        return decodeQuantity(value);
      case 'int-or-string':
        return decodeIntOrString(value);
      case 'struct':
        return this.decodeStruct(value, schema);
      case 'map': {
        if (typeof value !== 'object' || Array.isArray(value)) return this.mismatch(value, schema);
        const map: Record<string, JsonValue> = {};
        for (const key of Object.keys(value))
          setOwn(map, key, this.element(`\0${key}`, value[key] ?? null, schema.values));
        return map;
      }
      case 'list':
        if (!Array.isArray(value)) return this.mismatch(value, schema);
        return value.map((item, index) => this.element(index, item, schema.items));
      default:
        return this.scalar(value, schema);
    }
  }

  private decodeStruct(value: JsonValue, schema: StructSchema): JsonValue {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.mismatch(value, schema);
    const outer = this.struct;
    this.struct = schema;
    const result: Record<string, JsonValue> = {};
    for (const key of Object.keys(value)) {
      const field = Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
      this.path.push(key);
      if (field === undefined) this.reportUnknown();
      else {
        const decoded = this.decode(value[key] ?? null, field.schema);
        if (decoded !== undefined && !isOmitted(decoded, field)) result[key] = decoded;
      }
      this.path.pop();
    }
    this.struct = outer;
    fillIn(result, schema);
    return result;
  }

  /** An element of a list or map is there even when it is null: Go puts the zero of its type. */
  private element(step: string | number, value: JsonValue, schema: Schema): JsonValue {
    this.path.push(step);
    const decoded = this.decode(value, schema) ?? zeroOf(schema);
    this.path.pop();
    return decoded;
  }

  private scalar(value: JsonValue, schema: ScalarSchema): JsonValue {
    switch (schema.type) {
      case 'string':
        if (schema.format === 'date-time' || schema.format === 'micro-time') {
          return decodeTime(value, schema.format === 'micro-time');
        }
        if (typeof value !== 'string') return this.mismatch(value, schema);
        return schema.format === 'byte' ? decodeBase64(value) : value;
      case 'boolean':
        return typeof value === 'boolean' ? value : this.mismatch(value, schema);
      case 'integer':
        if (typeof value !== 'number') return this.mismatch(value, schema);
        return isIntegerOf(value, schema.format ?? 'int64')
          ? value
          : this.mismatch(value, schema, `number ${goNumber(value)}`);
      case 'number':
        return typeof value === 'number' ? value : this.mismatch(value, schema);
    }
  }

  private mismatch(value: JsonValue, schema: Schema, kind = goJsonKind(value)): never {
    const struct = this.struct?.name.split('.').at(-1);
    // Go names no indices and no keys of maps.
    const fields = this.path.filter((step) => typeof step === 'string' && !step.startsWith('\0'));
    const target =
      struct === undefined || fields.length === 0 ? 'Go value' : `Go struct field ${struct}.${fields.join('.')}`;
    throw new DecodeError(
      `json: cannot unmarshal ${kind} into ${target} of type ${goTypeName(schema)}`,
      goTypeName(schema),
    );
  }

  private reportUnknown(): void {
    if (this.strictErrors.length >= maximumStrictErrors) return;
    const path = this.path
      .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step.replace(/^\0/, '')}`))
      .join('');
    this.strictErrors.push(`unknown field ${goQuote(path.replace(/^\./, ''))}`);
  }
}

/** Go's `omitempty`. Whoever is required is written even when it is empty. */
function isOmitted(value: JsonValue, { schema, required, written, omitEmpty, omitZero }: FieldSchema): boolean {
  if ((required === true && omitEmpty !== true) || written === true) return false;
  if (schema.type === 'list') return Array.isArray(value) && value.length === 0;
  if (schema.type === 'map') return typeof value === 'object' && value !== null && isEmptyObject(value);
  return (
    omitZero === true &&
    (value === '' || value === 0 || value === false || (schema.type === 'quantity' && value === '0'))
  );
}

function isEmptyObject(value: object): boolean {
  for (const _ in value) return false;
  return true;
}

/** Fields that Go writes even when nobody set them, by struct. */
const alwaysWritten = new WeakMap<StructSchema, readonly (readonly [string, FieldSchema])[]>();

function fillIn(value: Record<string, JsonValue>, schema: StructSchema): void {
  let fields = alwaysWritten.get(schema);
  if (fields === undefined) {
    fields = Object.entries(schema.fields).filter(([, field]) => isAlwaysWritten(field));
    alwaysWritten.set(schema, fields);
  }
  for (const [name, field] of fields) if (value[name] === undefined) value[name] = zeroOfField(field);
}

function isAlwaysWritten({ schema, embedded, written, required, omitEmpty }: FieldSchema): boolean {
  if (embedded === true || written === true) return true;
  return required === true && omitEmpty !== true && schema.type !== 'struct';
}

/** Objects are pointers unless they are embedded. */
function zeroOfField({ schema, embedded }: FieldSchema): JsonValue {
  return schema.type === 'struct' && embedded !== true ? null : zeroOf(schema);
}

/** Nil slices, maps and times print as null. */
function zeroOf(schema: Schema): JsonValue {
  switch (schema.type) {
    case 'string':
      return schema.format === 'date-time' || schema.format === 'micro-time' || schema.format === 'byte' ? null : '';
    case 'integer':
    case 'number':
    case 'int-or-string':
      return 0;
    case 'boolean':
      return false;
    case 'quantity':
      return '0';
    case 'struct':
      return zeroStruct(schema);
    default:
      return null;
  }
}
