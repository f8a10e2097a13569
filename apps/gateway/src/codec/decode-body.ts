import { ProtobufError, decodeProtobufMessage, formatGroupVersion, openProtobufEnvelope } from '#api';
import {
  DecodeError,
  type GroupVersionKind,
  type JsonValue,
  type KubernetesObject,
  type StructSchema,
  badRequest,
  decodeBody as decodeText,
  decodeValue,
  goQuote,
  kindOf,
  unregistered,
  unsupportedMediaType,
} from '#machinery';
import { type ApiRequest } from '../request/api-request';
import { type FieldValidation } from '../request/options';
import { otherKind, otherSchema } from './other-kinds';

export const protobufMediaType = 'application/vnd.kubernetes.protobuf';

/** Listed in 415 and 406 answers. Protobuf is read, not written: clients that send it accept JSON too. */
export const knownMediaTypes = ['application/json', 'application/yaml', protobufMediaType];

/** What a body should be. */
export interface Expected {
  readonly group: string;
  readonly version: string;
  /** Versions that are read as if they were `version`. */
  readonly alsoVersions?: readonly string[];
  readonly kind: string;
  readonly schema: StructSchema;
}

function isExpected(actual: GroupVersionKind, { group, version, alsoVersions = [], kind }: Expected): boolean {
  return (
    actual.kind === kind &&
    actual.group === group &&
    (actual.version === version || alsoVersions.includes(actual.version))
  );
}

/** Media type without parameters; JSON if the client named none. */
export function mediaTypeOf(request: ApiRequest): string {
  return (request.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() || 'application/json';
}

/** Decodes the body of a create or update. Defaults of the kind are not set yet. @throws BadRequest, UnsupportedMediaType */
export async function decodeBody(
  request: ApiRequest,
  expected: Expected,
  validation: FieldValidation,
  warn: (message: string) => void,
): Promise<KubernetesObject> {
  const { value } = request.body;
  if (value !== undefined) return decodeObject(value as unknown as JsonValue, expected, validation, warn);
  const mediaType = mediaTypeOf(request);
  if (mediaType === protobufMediaType) {
    return decodeProtobuf((await request.body.bytes()) ?? Buffer.alloc(0), expected, validation, warn);
  }
  if (mediaType !== 'application/json' && mediaType !== 'application/yaml') {
    throw unsupportedMediaType(knownMediaTypes);
  }
  const text = ((await request.body.bytes()) ?? Buffer.alloc(0)).toString('utf8');
  const { object, kind, warnings } = decodeText(text, {
    format: mediaType === 'application/yaml' ? 'yaml' : 'json',
    expected,
    schemaOf: (found) => (isExpected(found, expected) ? expected.schema : otherSchema(found, expected)),
    fieldValidation: validation,
  });
  if (!isExpected(kind, expected)) throw otherKind(kind, expected);
  warnings.forEach(warn);
  return object;
}

/** Typed clients (`kubectl create namespace`) send Protobuf; what it says is turned into JSON and treated as such. */
function decodeProtobuf(
  body: Buffer,
  expected: Expected,
  validation: FieldValidation,
  warn: (message: string) => void,
): KubernetesObject {
  try {
    const { apiVersion, kind, message } = openProtobufEnvelope(body);
    const value = decodeProtobufMessage(message, expected.schema);
    return decodeObject({ ...value, apiVersion, kind }, expected, validation, warn);
  } catch (error) {
    if (error instanceof ProtobufError) throw badRequest(error.message);
    throw error;
  }
}

/** Options are registered in every group and version: whatever the client states, only the kind counts. @throws BadRequest */
export function decodeProtobufOptions(body: Buffer, kind: string, schema: StructSchema): KubernetesObject {
  const stated = (): string => {
    try {
      return openProtobufEnvelope(body).apiVersion ?? '';
    } catch (error) {
      if (error instanceof ProtobufError) throw badRequest(error.message);
      throw error;
    }
  };
  const { group, version } = kindOf({ apiVersion: stated(), kind });
  return decodeProtobuf(body, { group, version, kind, schema }, 'Ignore', () => undefined);
}

/** Decodes a value: of a caller in the same process, or the outcome of a patch. */
export function decodeObject(
  value: JsonValue,
  expected: Expected,
  validation: FieldValidation,
  warn: (message: string) => void,
): KubernetesObject {
  const stated = kindOf(value as KubernetesObject);
  const actual = {
    kind: stated.kind === '' ? expected.kind : stated.kind,
    ...(stated.version === ''
      ? { group: expected.group, version: expected.version }
      : { group: stated.group, version: stated.version }),
  };
  const refuse = (cause: string): Error =>
    badRequest(
      `${actual.kind} in version ${goQuote(actual.version)} cannot be handled as a ${expected.kind}: ${cause}`,
    );
  try {
    if (!isExpected(actual, expected)) {
      const schema = otherSchema(actual, expected);
      if (schema === undefined) throw new DecodeError(unregistered(actual));
      decodeValue(value, schema);
      throw otherKind(actual, expected);
    }
    const { value: decoded, strictErrors } = decodeValue(value, expected.schema);
    if (validation === 'Strict' && strictErrors.length > 0) {
      throw refuse(`strict decoding error: ${strictErrors.join(', ')}`);
    }
    if (validation === 'Warn') strictErrors.forEach(warn);
    const object = decoded as KubernetesObject;
    object.kind = expected.kind;
    object.apiVersion = formatGroupVersion(expected.group, expected.version);
    return object;
  } catch (error) {
    if (error instanceof DecodeError) throw refuse(error.message);
    throw error;
  }
}
