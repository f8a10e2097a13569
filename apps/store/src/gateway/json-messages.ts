import { type Field, messageFields } from '#etcd';

/** Messages and their JSON as grpc-gateway writes and reads it (proto3's JSON mapping, with the names of the descriptions). */

type Message = Readonly<Record<string, unknown>>;

/** Of JSON that does not say what the message needs. */
export class JsonMessageError extends Error {}

/** A message without what is not set or is zero. @param type its name, with its package */
export function toJson(type: string, message: Message): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const field of messageFields[type]!) {
    const value = valueOf(field, message);
    if (value === undefined) continue;
    if (field.isRepeated) {
      const list = value as readonly unknown[];
      if (list.length > 0) json[field.name] = list.map((each) => valueToJson(field, each));
    } else if (field.oneof !== undefined || !isZero(value)) json[field.name] = valueToJson(field, value);
  }
  return json;
}

/** @throws JsonMessageError. Names that the message does not have are passed over, as etcd does. */
export function fromJson(type: string, json: unknown): Message {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new JsonMessageError(`json: cannot unmarshal ${kindOf(json)} into Go value of type ${type}`);
  }
  const message: Record<string, unknown> = {};
  for (const field of messageFields[type]!) {
    const given = (json as Message)[field.name] ?? (json as Message)[field.key];
    if (field.oneof !== undefined) {
      message[field.oneof] ??= undefined;
      if (isGiven(given)) message[field.oneof] = { $case: field.key, [field.key]: valueFromJson(field, given) };
    } else if (!isGiven(given)) message[field.key] = field.isRepeated ? [] : zeroOf(field);
    else if (!field.isRepeated) message[field.key] = valueFromJson(field, given);
    else if (Array.isArray(given)) message[field.key] = given.map((each) => valueFromJson(field, each));
    else throw new JsonMessageError(`json: cannot unmarshal ${kindOf(given)} into Go value of type []${field.type}`);
  }
  return message;
}

function valueOf({ key, oneof }: Field, message: Message): unknown {
  if (oneof === undefined) return message[key];
  const choice = message[oneof] as Message | undefined;
  return choice?.$case === key ? choice[key] : undefined;
}

function valueToJson(field: Field, value: unknown): unknown {
  switch (field.type) {
    case 'bytes':
      return Buffer.from(value as Uint8Array).toString('base64');
    case 'int64':
    case 'uint64':
      return String(value);
    case 'enum':
      return Object.entries(field.values!).find(([, number]) => number === value)?.[0] ?? value;
    case 'message':
      return toJson(field.message!, value as Message);
    default:
      return value;
  }
}

function valueFromJson(field: Field, value: unknown): unknown {
  switch (field.type) {
    case 'bytes':
      return bytesFrom(value);
    case 'string':
      if (typeof value === 'string') return value;
      break;
    case 'bool':
      if (typeof value === 'boolean') return value;
      break;
    case 'int64':
    case 'uint64':
      return wholeFrom(field, value);
    case 'uint32':
      return Number(wholeFrom(field, value));
    case 'enum':
      return enumFrom(field, value);
    case 'message':
      return fromJson(field.message!, value);
  }
  throw new JsonMessageError(`json: cannot unmarshal ${kindOf(value)} into Go value of type ${field.type}`);
}

/** Base64, in either alphabet. */
function bytesFrom(value: unknown): Uint8Array {
  if (typeof value !== 'string') {
    throw new JsonMessageError(`json: cannot unmarshal ${kindOf(value)} into Go value of type []uint8`);
  }
  const wrong = /[^A-Za-z0-9+/]/.exec(value.replace(/={0,2}$/, ''));
  if (wrong !== null) throw new JsonMessageError(`illegal base64 data at input byte ${wrong.index}`);
  if (value.length % 4 !== 0)
    throw new JsonMessageError(`illegal base64 data at input byte ${value.length - (value.length % 4)}`);
  return Buffer.from(value, 'base64');
}

/** In the bounds of its type; a number, or the same as text, since not every JSON has numbers of 64 bits. */
function wholeFrom({ type }: Field, value: unknown): bigint {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  if (!/^-?\d+$/.test(text)) {
    throw new JsonMessageError(`json: cannot unmarshal ${kindOf(value)} into Go value of type ${type}`);
  }
  const whole = BigInt(text);
  const fits = type === 'int64' ? BigInt.asIntN(64, whole) : BigInt.asUintN(type === 'uint64' ? 64 : 32, whole);
  if (whole === fits) return whole;
  throw new JsonMessageError(`json: cannot unmarshal number ${text} into Go value of type ${type}`);
}

function enumFrom({ values = {} }: Field, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  if (typeof value === 'string' && Object.hasOwn(values, value)) return values[value]!;
  throw new JsonMessageError(`unknown value ${JSON.stringify(value)} for enum`);
}

function zeroOf({ type }: Field): unknown {
  switch (type) {
    case 'bytes':
      return new Uint8Array();
    case 'string':
      return '';
    case 'bool':
      return false;
    case 'int64':
    case 'uint64':
      return 0n;
    case 'uint32':
    case 'enum':
      return 0;
    case 'message':
      return undefined;
  }
}

function isZero(value: unknown): boolean {
  return value === 0 || value === 0n || value === '' || value === false || (value as Uint8Array).length === 0;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}
