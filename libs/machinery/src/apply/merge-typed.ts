import { isObject, type JsonObject, setOwn } from '../json-tree';
import { type JsonValue } from '../objects';
import { type ListSchema, type Schema } from '../schema';
import { type FieldSet, childrenOf, isEmptySet, isMember, type MutableFieldSet } from './field-set';
import { childSchema, isSharedList, isSharedObject, tryElementOf } from './typed';

/** Lays a configuration over a live object: objects and associative lists merge, leaves are the configuration's. */
export function mergeTyped(
  live: JsonValue | undefined,
  config: JsonValue | undefined,
  schema: Schema | undefined,
): JsonValue {
  if (config === undefined) return live ?? null;
  if (live === undefined || schema === undefined) return config;
  if (isSharedObject(schema) && isObject(live) && (isObject(config) || config === null)) {
    const overlay: JsonObject = config ?? {};
    if (Object.keys(live).length === 0 && Object.keys(overlay).length === 0) return config;
    const merged: JsonObject = { ...live };
    for (const key of Object.keys(overlay)) {
      const current = Object.hasOwn(live, key) ? live[key] : undefined;
      setOwn(merged, key, mergeTyped(current, overlay[key], childSchema(schema, key)));
    }
    return merged;
  }
  if (isSharedList(schema) && Array.isArray(live) && (Array.isArray(config) || config === null)) {
    return live.length === 0 && (config ?? []).length === 0 ? config : mergeElements(live, config ?? [], schema);
  }
  return config;
}

/**
 * Elements that both have come in the configuration's order; those that only the live list has stay where they are
 * relative to their neighbours, as far as that is possible.
 */
function mergeElements(live: readonly JsonValue[], config: readonly JsonValue[], schema: ListSchema): JsonValue[] {
  const left = live.map((item, index) => tryElementOf(item, schema) ?? `live:${index}`);
  const right = config.map((item, index) => tryElementOf(item, schema) ?? `config:${index}`);
  const liveItems = new Map(left.map((element, index) => [element, live[index]]));
  const configured = new Set(right);
  const shared = right.filter((element) => liveItems.has(element));
  const done = new Set<string>();
  const result: JsonValue[] = [];
  let [l, r, s] = [0, 0, 0];
  const take = (element: string, index: number): void => {
    done.add(element);
    result.push(mergeTyped(liveItems.get(element), config[index], schema.items));
    if (shared[s] === element) s++;
  };
  while (l < left.length || r < right.length) {
    const [mine, theirs] = [left[l], right[r]];
    if (mine !== undefined && mine === theirs) {
      take(mine, r++);
      l++;
    } else if (
      mine !== undefined &&
      theirs !== undefined &&
      configured.has(mine) &&
      shared[s] !== undefined &&
      shared[s] !== mine
    ) {
      l++;
    } else if (mine !== undefined && !configured.has(mine)) {
      result.push(live[l++] ?? null);
    } else {
      if (mine !== undefined && done.has(mine)) l++;
      if (theirs !== undefined) take(theirs, r++);
    }
  }
  return result;
}

/**
 * The value without the fields and elements in the set. What becomes empty becomes null, which keeps its place: its owners
 * go on owning it. Atomic values are removed as a whole or not at all.
 */
export function removeItems(value: JsonValue, remove: FieldSet, schema: Schema | undefined): JsonValue {
  if (schema === undefined || isEmptySet(remove)) return value;
  if (isSharedObject(schema) && isObject(value)) {
    const kept: JsonObject = {};
    for (const [key, child] of Object.entries(value)) {
      const node = remove[`f:${key}`];
      if (node !== undefined && isMember(node)) continue;
      setOwn(kept, key, node === undefined ? child : removeItems(child, node, childSchema(schema, key)));
    }
    return Object.keys(kept).length === 0 ? null : kept;
  }
  if (isSharedList(schema) && Array.isArray(value)) {
    const kept: JsonValue[] = [];
    for (const item of value) {
      const element = tryElementOf(item, schema);
      const node = element === undefined ? undefined : remove[element];
      if (node !== undefined && isMember(node)) continue;
      kept.push(node === undefined ? item : removeItems(item, node, schema.items));
    }
    return kept.length === 0 ? null : kept;
  }
  return value;
}

/** The set with every declared field that leads to a member made a member itself. */
export function withNamedFields(set: FieldSet, schema: Schema | undefined): FieldSet {
  const result: MutableFieldSet = {};
  for (const element in set) {
    if (element === '.') continue;
    const node = set[element] as FieldSet;
    const child = schema === undefined ? undefined : descendSchema(schema, element);
    const below = withNamedFields(childrenOf(node), child);
    const named = schema?.type === 'struct' && element.startsWith('f:') && child !== undefined;
    if (isEmptySet(below)) result[element] = {};
    else result[element] = named || isMember(node) ? { '.': {}, ...below } : below;
  }
  return result;
}

function descendSchema(schema: Schema, element: string): Schema | undefined {
  if (element.startsWith('f:')) return childSchema(schema, element.slice(2));
  return schema.type === 'list' ? schema.items : undefined;
}
