import { badRequest, genericServerResponse, unknownError } from './errors';
import { goValue } from './go-text';
import { copyJson, isObject, jsonEquals, type JsonObject, setOwn } from './json-tree';
import { patchObject } from './merge-patch';
import { type JsonValue } from './objects';
import { type FieldSchema, type Schema } from './schema';
import { followsOrder, mergeOrder } from './strategic-order';

const directive = '$patch';
const retainKeys = '$retainKeys';
const orderPrefix = '$setElementOrder/';
const deletePrefix = '$deleteFromPrimitiveList/';

/**
 * Applies a strategic merge patch: a merge patch that also merges those lists whose schema says by which key, with
 * directives inside the patch (`$patch`, `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`). Neither
 * argument is changed. Throws an `ApiError` with upstream's code and text.
 */
export function applyStrategicMergePatch(document: JsonObject, patch: JsonValue, schema: Schema): JsonObject {
  return mergeObject(copyJson(document), copyJson(patchObject(patch)), schema);
}

/** `original` and `patch` are consumed. */
function mergeObject(original: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject {
  const marker = patch[directive];
  if (marker !== undefined) return obeyDirective(marker, patch);
  retain(original, patch);
  mergeOrderedLists(original, patch, schema);
  for (const [name, value] of Object.entries(patch)) {
    const deletion = name.startsWith(deletePrefix);
    const key = deletion ? name.slice(deletePrefix.length) : name;
    if (value === null) {
      delete original[key];
      continue;
    }
    const current = Object.hasOwn(original, key) ? original[key] : undefined;
    if (
      current === undefined ||
      typeof current !== typeof value ||
      Array.isArray(current) !== Array.isArray(value) ||
      current === null
    ) {
      // A directive about what is not there says nothing, and what stands beside it is lost as well.
      if (isObject(value) && Object.hasOwn(value, directive)) delete original[key];
      else if (!deletion) setOwn(original, key, withoutDirectives(value) ?? null);
      continue;
    }
    setOwn(original, key, mergeValue(current, value, fieldOf(schema, key), deletion));
  }
  return original;
}

function mergeValue(
  current: JsonValue,
  value: JsonValue,
  field: FieldSchema | undefined,
  deletion: boolean,
): JsonValue {
  if (isObject(current) && isObject(value)) {
    return isReplaced(field) ? value : mergeObject(current, value, field?.schema);
  }
  if (Array.isArray(current) && Array.isArray(value)) {
    return deletion
      ? current.filter((item) => !value.some((gone) => jsonEquals(gone, item)))
      : mergeLists(current, value, field);
  }
  return value;
}

function fieldOf(schema: Schema | undefined, key: string): FieldSchema | undefined {
  if (schema?.type === 'map') return { schema: schema.values, description: '' };
  return schema?.type === 'struct' && Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
}

function isReplaced(field: FieldSchema | undefined): boolean {
  return field?.patchStrategy?.includes('replace') === true;
}

function mergeLists(original: JsonValue[], patch: JsonValue[], field: FieldSchema | undefined): JsonValue[] {
  if (field?.patchStrategy?.includes('merge') !== true) return patch;
  if (original.length === 0 && patch.length === 0) return original;
  const all = [...original, ...patch];
  if (all.some(Array.isArray)) throw genericServerResponse(422);
  if (!all.every(isObject)) {
    const distinct = [...new Map(all.map((item) => [JSON.stringify(item), item])).values()];
    return mergeOrder(distinct, patch, original, undefined);
  }
  const { patchMergeKey, schema } = field;
  if (patchMergeKey === undefined) throw unknownError(`cannot merge lists without merge key for ${nameOf(schema)}`);
  const { kept, additions } = obeyElementDirectives(original as JsonObject[], patch as JsonObject[], patchMergeKey);
  const items = schema.type === 'list' ? schema.items : undefined;
  const merged = [...kept];
  for (const addition of additions) {
    const index = merged.findIndex((item) => jsonEquals(item[patchMergeKey], keyValue(addition, patchMergeKey)));
    const found = merged[index];
    if (found === undefined) merged.push(withoutDirectives(addition) as JsonObject);
    else merged[index] = mergeObject(found, { ...addition }, items);
  }
  return mergeOrder(merged, additions, kept, patchMergeKey);
}

function nameOf(schema: Schema): string {
  const items = schema.type === 'list' ? schema.items : schema;
  return items.type === 'struct' ? (items.name.split('.').at(-1) ?? '') : '';
}

function keyValue(item: JsonObject, mergeKey: string): JsonValue {
  const value = item[mergeKey];
  if (value === undefined) throw unknownError(`map: ${goValue(item)} does not contain declared merge key: ${mergeKey}`);
  return value;
}

/** Elements that are directives: `$patch: delete` removes what has its key, `$patch: replace` everything. */
function obeyElementDirectives(
  original: readonly JsonObject[],
  patch: readonly JsonObject[],
  mergeKey: string,
): { kept: JsonObject[]; additions: readonly JsonObject[] } {
  const additions = patch.filter((item) => !Object.hasOwn(item, directive));
  let kept = [...original];
  let replaced = false;
  for (const item of patch) {
    const marker = item[directive];
    if (marker === undefined) continue;
    if (marker === 'delete') {
      const gone = keyValue(item, mergeKey);
      kept = kept.filter((candidate) => !jsonEquals(candidate[mergeKey], gone));
    } else if (marker === 'replace') replaced = true;
    else if (marker === 'merge') throw unknownError('merging lists cannot yet be specified in the patch');
    else throw badDirective(marker, item);
  }
  return replaced ? { kept: [...additions], additions: [] } : { kept, additions };
}

function badDirective(marker: JsonValue, patch: JsonObject): Error {
  return unknownError(`unknown patch type '${goValue(marker)}' in map: '${goValue(patch)}'`);
}

function obeyDirective(marker: JsonValue, patch: JsonObject): JsonObject {
  if (marker === 'delete') return {};
  if (marker !== 'replace') throw badDirective(marker, patch);
  const { [directive]: _, ...rest } = patch;
  return rest;
}

/** `$retainKeys` lists all fields that may remain; unions (volume sources, strategies) need it to switch. */
function retain(original: JsonObject, patch: JsonObject): void {
  const keys = patch[retainKeys];
  if (keys === undefined) return;
  delete patch[retainKeys];
  const bad = (): Error => badRequest('invalid patch format of retainKeys');
  if (!Array.isArray(keys)) throw bad();
  const retained = new Set(keys);
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null && !key.startsWith(deletePrefix) && !key.startsWith(orderPrefix) && !retained.has(key))
      throw bad();
  }
  for (const key of Object.keys(original)) if (!retained.has(key)) delete original[key];
}

/** Merges the lists that the patch gives an order for, and takes them out of the patch. */
function mergeOrderedLists(original: JsonObject, patch: JsonObject, schema: Schema | undefined): void {
  for (const [name, order] of Object.entries(patch)) {
    if (!name.startsWith(orderPrefix)) continue;
    delete patch[name];
    const key = name.slice(orderPrefix.length);
    const [current, change] = [original[key], patch[key]];
    if (!Array.isArray(order)) throw badRequest('invalid patch format of setElementOrder list');
    for (const list of [current, change]) {
      if (list !== undefined && !Array.isArray(list)) throw badRequest('invalid patch format of setElementOrder list');
    }
    const [currentList, changeList] = [(current ?? []) as JsonValue[], (change ?? []) as JsonValue[]];
    const field = fieldOf(schema, key);
    if (!followsOrder(changeList, order, field?.patchMergeKey)) {
      throw unknownError(
        `The order in patch list:\n${goValue(changeList)}\n doesn't match $setElementOrder list:\n${goValue(order)}\n`,
      );
    }
    if (current === undefined && change === undefined) continue;
    const merged =
      change === undefined
        ? currentList
        : current === undefined
          ? (withoutDirectives(changeList) as JsonValue[])
          : mergeLists(currentList, changeList, field);
    setOwn(original, key, mergeOrder(merged, order, currentList, field?.patchMergeKey));
    delete patch[key];
  }
}

/** What a part of the patch leaves where there was nothing to merge with: no directives, no nulls, no deletions. */
function withoutDirectives(value: JsonValue): JsonValue | undefined {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !(isObject(item) && Object.hasOwn(item, directive)))
      .map((item) => withoutDirectives(item) ?? null);
  }
  if (!isObject(value)) return value;
  const source = value[directive] === undefined ? value : obeyDirective(value[directive], value);
  const result: JsonObject = {};
  for (const [key, child] of Object.entries(source)) {
    if (child === null || key === retainKeys || key.startsWith(orderPrefix) || key.startsWith(deletePrefix)) continue;
    setOwn(result, key, withoutDirectives(child) ?? null);
  }
  return result;
}
