import { badRequest } from './errors';
import { goJsonKind } from './go-types';
import { copyJson, isObject, type JsonObject, setOwn } from './json-tree';
import { type JsonValue } from './objects';

/**
 * Applies a JSON merge patch (RFC 7396): objects merge, null deletes, everything else replaces. The document is not
 * changed; parts that the patch does not touch are shared with it. Throws a 400 when the patch is no object.
 */
export function applyMergePatch(document: JsonObject, patch: JsonValue): JsonObject {
  return merge(document, patchObject(patch));
}

/** A patch that must be an object, with upstream's complaint when it is not. */
export function patchObject(patch: JsonValue): JsonObject {
  if (isObject(patch)) return patch;
  throw badRequest(
    `error decoding patch: json: cannot unmarshal ${goJsonKind(patch)} into Go value of type map[string]interface {}`,
  );
}

function merge(target: JsonObject, patch: JsonObject): JsonObject {
  const result: JsonObject = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (!isObject(value)) setOwn(result, key, copyJson(value));
    else {
      const current = Object.hasOwn(result, key) ? result[key] : undefined;
      setOwn(result, key, merge(isObject(current) ? current : {}, value));
    }
  }
  return result;
}

/**
 * The smallest merge patch that makes `after` of `before`. Undefined when they are equal. `after` must contain no nulls.
 */
export function createMergePatch(before: JsonObject, after: JsonObject): JsonObject | undefined {
  const patch: JsonObject = {};
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) setOwn(patch, key, null);
  for (const [key, value] of Object.entries(after)) {
    const current = Object.hasOwn(before, key) ? before[key] : undefined;
    if (isObject(current) && isObject(value)) {
      const nested = createMergePatch(current, value);
      if (nested !== undefined) setOwn(patch, key, nested);
    } else if (JSON.stringify(current) !== JSON.stringify(value)) setOwn(patch, key, copyJson(value));
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}
