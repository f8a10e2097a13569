import { type ConfigMap, type Secret } from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  FieldPath,
  isConfigMapKey,
  isObject,
  JsonSyntaxError,
  parseJson,
} from '#machinery';
import { immutable, invalids, isUnset, sameValue } from '../validation/checks';
import { type Validation } from '../validation/validation';

/** All values together: what etcd takes in one request, with room for the rest of the object. */
const MAXIMUM_BYTES = 1024 * 1024;

const data = FieldPath.of('data');
const binaryData = FieldPath.of('binaryData');
const locked = 'field is immutable when `immutable` is set';

export const configMapValidation: Validation<ConfigMap> = {
  validateCreate: validateConfigMap,
  validateUpdate: (map, old) => [
    ...validateLock(map, old),
    ...(old.immutable === true && !sameValue(map.binaryData, old.binaryData)
      ? [field.forbidden(binaryData, locked)]
      : []),
    ...validateConfigMap(map),
  ],
};

function validateConfigMap(map: DeepReadonly<ConfigMap>): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(map.data ?? {})) {
    errors.push(...invalids(isConfigMapKey(key), data.key(key), key));
    if (map.binaryData?.[key] !== undefined) {
      errors.push(field.invalid(data.key(key), key, 'duplicate of key present in binaryData'));
    }
    bytes += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(map.binaryData ?? {})) {
    errors.push(...invalids(isConfigMapKey(key), binaryData.key(key), key));
    bytes += decodedLength(value);
  }
  return bytes > MAXIMUM_BYTES ? [...errors, field.tooLong('', MAXIMUM_BYTES)] : errors;
}

/** What is immutable stays so, with all it holds. */
function validateLock(object: DeepReadonly<ConfigMap | Secret>, old: DeepReadonly<ConfigMap | Secret>): FieldError[] {
  if (old.immutable !== true) return [];
  return [
    ...(object.immutable === true ? [] : [field.forbidden('immutable', locked)]),
    ...(sameValue(object.data, old.data) ? [] : [field.forbidden(data, locked)]),
  ];
}

export const secretValidation: Validation<Secret> = {
  validateCreate: validateSecret,
  validateUpdate: (secret, old) => [
    ...immutable(secret.type, old.type, FieldPath.of('type')),
    ...validateLock(secret, old),
    ...validateSecret(secret),
  ],
};

function validateSecret(secret: DeepReadonly<Secret>): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(secret.data ?? {})) {
    errors.push(...invalids(isConfigMapKey(key), data.key(key), key));
    bytes += decodedLength(value);
  }
  if (bytes > MAXIMUM_BYTES) errors.push(field.tooLong(data, MAXIMUM_BYTES));
  return [...errors, ...validateSecretType(secret)];
}

/** The keys that secrets of a known type must have; upstream asks for one of a group. */
const neededKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

function validateSecretType({ type = '', data: own = {}, metadata }: DeepReadonly<Secret>): FieldError[] {
  const errors: FieldError[] = [];
  if (type === 'kubernetes.io/service-account-token') {
    const name = 'kubernetes.io/service-account.name';
    const path = FieldPath.of('metadata', 'annotations').key(name);
    if (isUnset(metadata?.annotations?.[name])) errors.push(field.required(path));
  }
  if (type === 'kubernetes.io/basic-auth' && own['username'] === undefined && own['password'] === undefined) {
    errors.push(field.required(data.key('username')), field.required(data.key('password')));
  }
  for (const key of neededKeys[type] ?? []) {
    const value = own[key];
    if (value === undefined) errors.push(field.required(data.key(key)));
    else if (key.startsWith('.docker')) {
      const problem = jsonProblem(Buffer.from(value, 'base64').toString());
      // The value is a secret; upstream does not repeat it either.
      if (problem !== undefined) errors.push(field.invalid(data.key(key), '<secret contents redacted>', problem));
    }
  }
  return errors;
}

/** `encoding/json` has one name for both truth values. */
function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** Why a text is no JSON object, in Go's words. */
function jsonProblem(text: string): string | undefined {
  try {
    const { value } = parseJson(text);
    if (value === null || isObject(value)) return undefined;
    return `json: cannot unmarshal ${goKind(value)} into Go value of type map[string]interface {}`;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error.message;
    throw error;
  }
}

function decodedLength(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return Math.floor((base64.length * 3) / 4) - padding;
}
