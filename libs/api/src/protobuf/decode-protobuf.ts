import { formatMicroTime, formatTime, type JsonValue, type Schema, type StructSchema } from '#machinery';
import { protobufFields } from './field-numbers';
import { ProtobufError, readFields, type WireValue } from './wire-reader';

type JsonObject = Record<string, JsonValue>;

/** Where a numbered field goes: into a field of the same struct, or through a message whose fields JSON has inline. */
type Target = { readonly field: string; readonly schema: Schema } | { readonly inline: ReadonlyMap<number, Target> };

const PREFIX = 'io.k8s.';
const MAX_DEPTH = 100;
const numbersOf = new WeakMap<StructSchema, ReadonlyMap<number, Target>>();

/**
 * Turns a Protobuf message into the JSON that would say the same. Fields that are unknown here are skipped, as Protobuf
 * has it. Throws `ProtobufError` on malformed input.
 */
export function decodeProtobufMessage(message: Buffer, schema: StructSchema, depth = 0): JsonObject {
  if (depth > MAX_DEPTH) throw new ProtobufError('proto: nested too deeply');
  const result: JsonObject = {};
  decodeInto(result, message, targetsOf(schema), depth);
  return result;
}

function decodeInto(result: JsonObject, message: Buffer, targets: ReadonlyMap<number, Target>, depth: number): void {
  for (const { number, value } of readFields(message)) {
    const target = targets.get(number);
    if (target === undefined) continue;
    if ('inline' in target) decodeInto(result, bytesOf(value), target.inline, depth + 1);
    else decodeField(result, target.field, target.schema, value, depth);
  }
}

function decodeField(result: JsonObject, field: string, schema: Schema, value: WireValue, depth: number): void {
  if (schema.type === 'list') {
    const list = (result[field] ??= []) as JsonValue[];
    list.push(decodeValueOf(schema.items, value, depth));
  } else if (schema.type === 'map') {
    const map = (result[field] ??= {}) as JsonObject;
    const [key, entry] = decodeEntry(schema.values, bytesOf(value), depth);
    Object.defineProperty(map, key, { value: entry, enumerable: true, writable: true, configurable: true });
  } else {
    const decoded = decodeValueOf(schema, value, depth);
    // Go's encoder writes empty strings of fields that nobody set; JSON leaves them out.
    if (decoded !== '') result[field] = decoded;
  }
}

/** A map is a list of messages with the key as field 1 and the value as field 2. */
function decodeEntry(schema: Schema, entry: Buffer, depth: number): [string, JsonValue] {
  let key = '';
  let decoded: JsonValue = schema.type === 'list' ? [] : '';
  for (const { number, value } of readFields(entry)) {
    if (number === 1) key = bytesOf(value).toString('utf8');
    // A list as the value of a map is wrapped in a message whose only field repeats (`ExtraValue`).
    else if (number === 2 && schema.type === 'list')
      decoded = [...readFields(bytesOf(value))].map((item) => decodeValueOf(schema.items, item.value, depth + 1));
    else if (number === 2) decoded = decodeValueOf(schema, value, depth);
  }
  return [key, decoded];
}

function decodeValueOf(schema: Schema, value: WireValue, depth: number): JsonValue {
  switch (schema.type) {
    case 'struct':
      return decodeProtobufMessage(bytesOf(value), schema, depth + 1);
    case 'quantity':
      return firstString(bytesOf(value));
    case 'int-or-string':
      return decodeIntOrString(bytesOf(value));
    case 'any':
      return decodeRaw(bytesOf(value));
    case 'boolean':
      return integerOf(value) !== 0;
    case 'integer':
      return integerOf(value);
    case 'number':
      return value.type === 'fixed' && value.value.length === 8 ? value.value.readDoubleLE() : integerOf(value);
    case 'string':
      return decodeString(schema.format, bytesOf(value));
    default:
      throw new ProtobufError(`proto: a ${schema.type} cannot stand here`);
  }
}

function decodeString(format: string | undefined, bytes: Buffer): JsonValue {
  if (format === 'byte') return bytes.toString('base64');
  if (format !== 'date-time' && format !== 'micro-time') return bytes.toString('utf8');
  let seconds = 0;
  let nanos = 0;
  for (const { number, value } of readFields(bytes)) {
    if (number === 1) seconds = integerOf(value);
    else if (number === 2) nanos = integerOf(value);
  }
  // Go writes the zero time as no fields at all; in JSON it is null.
  if (seconds === 0 && nanos === 0) return null;
  const milliseconds = seconds * 1000 + nanos / 1e6;
  if (!Number.isFinite(milliseconds) || Math.abs(milliseconds) > 8.64e15)
    throw new ProtobufError('proto: time out of range');
  return format === 'date-time' ? formatTime(milliseconds) : formatMicroTime(milliseconds);
}

function decodeIntOrString(bytes: Buffer): JsonValue {
  let isString = false;
  let text = '';
  let integer = 0;
  for (const { number, value } of readFields(bytes)) {
    if (number === 1) isString = integerOf(value) === 1;
    else if (number === 2) integer = integerOf(value);
    else if (number === 3) text = bytesOf(value).toString('utf8');
  }
  return isString ? text : integer;
}

/** `RawExtension` and `FieldsV1`: JSON as bytes in field 1. */
function decodeRaw(bytes: Buffer): JsonValue {
  const text = firstString(bytes);
  if (text === '') return null;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new ProtobufError('proto: raw field holds no JSON');
  }
}

function firstString(bytes: Buffer): string {
  for (const { number, value } of readFields(bytes)) if (number === 1) return bytesOf(value).toString('utf8');
  return '';
}

function bytesOf(value: WireValue): Buffer {
  if (value.type === 'bytes') return value.value;
  throw new ProtobufError('proto: wrong wireType');
}

/** Protobuf's int32 and int64 are two's complement in 64 bits. */
function integerOf(value: WireValue): number {
  if (value.type === 'varint') return Number(BigInt.asIntN(64, value.value));
  throw new ProtobufError('proto: wrong wireType');
}

function targetsOf(schema: StructSchema): ReadonlyMap<number, Target> {
  let targets = numbersOf.get(schema);
  if (targets === undefined) {
    targets = compile(protobufFields[schema.name.slice(PREFIX.length)] ?? '', schema);
    numbersOf.set(schema, targets);
  }
  return targets;
}

function compile(line: string, schema: StructSchema): ReadonlyMap<number, Target> {
  const targets = new Map<number, Target>();
  for (const [field = '', number, message] of line
    .split(' ')
    .filter(Boolean)
    .map((entry) => entry.split(':'))) {
    const known = schema.fields[field];
    if (message !== undefined) targets.set(Number(number), { inline: compile(protobufFields[message] ?? '', schema) });
    else if (known !== undefined) targets.set(Number(number), { field, schema: known.schema });
  }
  return targets;
}
