import { badRequest, genericServerResponse, requestEntityTooLarge } from './errors';
import { goJsonKind } from './go-types';
import { goQuote } from './go-text';
import { copyJson, isObject, jsonEquals, type JsonObject, setOwn } from './json-tree';
import { type JsonValue } from './objects';

/** As many operations as upstream takes in one patch. */
const maximumOperations = 10_000;
/** Bytes that `copy` may add in all; repeated copies would grow a document exponentially. */
const maximumCopiedLength = 3 * 1024 * 1024;

interface Operation {
  readonly op?: string;
  readonly path?: string;
  readonly from?: string;
  readonly value?: JsonValue;
}

const operationFields = new Set(['op', 'path', 'from', 'value']);

export interface JsonPatchResult {
  readonly value: JsonValue;
  /** Unknown fields of operations. */
  readonly strictErrors: readonly string[];
}

/**
 * Applies a JSON patch (RFC 6902) in upstream's dialect: the document itself cannot be replaced, indices may count from
 * the end, and `replace` sets a key that is missing. All or nothing; the document is not changed. Throws an `ApiError`:
 * 400 for what is no patch, 413 for too many operations, and a 422 without detail for one that does not apply.
 */
export function applyJsonPatch(document: JsonValue, patch: JsonValue): JsonPatchResult {
  const operations = decodeOperations(patch);
  if (operations.length > maximumOperations) {
    throw requestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${maximumOperations}, got ${operations.length}`,
    );
  }
  const strictErrors = operations.flatMap((operation, index) =>
    Object.keys(operation)
      .filter((name) => !operationFields.has(name))
      .map((name) => `json patch unknown field ${goQuote(`[${index}].${name}`)}`),
  );
  const value = copyJson(document);
  const budget = { copied: 0 };
  for (const operation of operations) {
    if (!apply(value, operation, budget)) throw genericServerResponse(422);
  }
  return { value, strictErrors };
}

function decodeOperations(patch: JsonValue): Operation[] {
  const problem = (kind: string, target: string): Error =>
    badRequest(`error decoding patch: json: cannot unmarshal ${kind} into Go ${target}`);
  if (patch === null) return [];
  if (!Array.isArray(patch)) throw problem(goJsonKind(patch), 'value of type []handlers.jsonPatchOp');
  return patch.map((operation) => {
    if (operation === null) return {};
    if (!isObject(operation)) throw problem(goJsonKind(operation), 'value of type handlers.jsonPatchOp');
    for (const name of ['op', 'path', 'from']) {
      const given = operation[name] ?? null;
      if (given !== null && typeof given !== 'string') {
        throw problem(goJsonKind(given), `struct field jsonPatchOp.${name} of type string`);
      }
    }
    return operation;
  });
}

type Container = JsonObject | JsonValue[];

interface Location {
  readonly parent: Container;
  readonly key: string;
}

/** Where a pointer leads: the container must exist, the key need not. Undefined for the root and for missing containers. */
function locate(root: JsonValue, pointer: string | undefined): Location | undefined {
  if (pointer === undefined) return undefined;
  const [, ...steps] = pointer.split('/');
  const key = steps.pop();
  if (key === undefined) return undefined;
  let parent: JsonValue | undefined = root;
  for (const step of steps) {
    if (typeof parent !== 'object' || parent === null) return undefined;
    parent = read({ parent, key: unescape(step) });
  }
  return typeof parent === 'object' && parent !== null ? { parent, key: unescape(key) } : undefined;
}

function unescape(step: string): string {
  return step.replace(/~1/g, '/').replace(/~0/g, '~');
}

function read({ parent, key }: Location): JsonValue | undefined {
  if (!Array.isArray(parent)) return Object.hasOwn(parent, key) ? parent[key] : undefined;
  const index = indexOf(key, parent.length);
  return index === undefined ? undefined : parent[index];
}

/** An existing element; negative indices count from the end. */
function indexOf(key: string, length: number): number | undefined {
  if (!/^-?\d+$/.test(key)) return undefined;
  const index = Number(key) < 0 ? Number(key) + length : Number(key);
  return index >= 0 && index < length ? index : undefined;
}

/** Carries out one operation in place. False when it does not apply. */
function apply(root: JsonValue, { op, path, from, value = null }: Operation, budget: { copied: number }): boolean {
  const target = locate(root, path);
  if (target === undefined) return false;
  switch (op) {
    case 'add':
      return insert(target, copyJson(value));
    case 'remove':
      return remove(target);
    case 'replace':
      return replace(target, copyJson(value));
    case 'test':
      return jsonEquals(read(target) ?? null, value);
    case 'move': {
      const source = locate(root, from);
      const moved = source && read(source);
      if (source === undefined || moved === undefined || !remove(source)) return false;
      const destination = locate(root, path);
      return destination !== undefined && insert(destination, moved);
    }
    case 'copy': {
      const source = locate(root, from);
      if (source === undefined || (Array.isArray(source.parent) && read(source) === undefined)) return false;
      const copied = copyJson(read(source) ?? null);
      budget.copied += JSON.stringify(copied).length;
      return budget.copied <= maximumCopiedLength && insert(target, copied);
    }
    default:
      return false;
  }
}

function insert({ parent, key }: Location, value: JsonValue): boolean {
  if (!Array.isArray(parent)) {
    setOwn(parent, key, value);
    return true;
  }
  if (key === '-') {
    parent.push(value);
    return true;
  }
  const index =
    Number(key) === parent.length ? parent.length : indexOf(key, parent.length + (key.startsWith('-') ? 1 : 0));
  if (index === undefined || !/^-?\d+$/.test(key)) return false;
  parent.splice(index, 0, value);
  return true;
}

function remove({ parent, key }: Location): boolean {
  if (!Array.isArray(parent)) {
    if (!Object.hasOwn(parent, key)) return false;
    delete parent[key];
    return true;
  }
  const index = indexOf(key, parent.length);
  if (index === undefined) return false;
  parent.splice(index, 1);
  return true;
}

function replace({ parent, key }: Location, value: JsonValue): boolean {
  if (!Array.isArray(parent)) {
    setOwn(parent, key, value);
    return true;
  }
  const index = indexOf(key, parent.length);
  if (index === undefined) return false;
  parent[index] = value;
  return true;
}
