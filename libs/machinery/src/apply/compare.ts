import { isObject, jsonEquals, type JsonObject } from '../json-tree';
import { type JsonValue } from '../objects';
import { type ListSchema, type Schema } from '../schema';
import { type FieldSet, type MutableFieldSet, recursiveDifference } from './field-set';
import { childSchema, indexList, isSharedList, isSharedObject } from './typed';

/** How one object differs from another. Objects and elements that appear or vanish are listed with all below them. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

type Mutable = { -readonly [K in keyof Comparison]: MutableFieldSet };

/** Compares two objects of a type. Shared subtrees are recognised by identity and cost nothing. */
export function compareObjects(before: JsonObject, after: JsonObject, schema: Schema): Comparison {
  const result: Mutable = { added: {}, modified: {}, removed: {} };
  compareFields(result, before, after, schema);
  return result;
}

/** The comparison without what the server would overwrite anyway. */
export function withoutFields({ added, modified, removed }: Comparison, ignored: FieldSet): Comparison {
  return {
    added: recursiveDifference(added, ignored),
    modified: recursiveDifference(modified, ignored),
    removed: recursiveDifference(removed, ignored),
  };
}

function compareFields(into: Mutable, before: JsonObject, after: JsonObject, schema: Schema): void {
  for (const key in before) {
    if (before[key] !== after[key]) compareAt(into, `f:${key}`, before[key], own(after, key), childSchema(schema, key));
  }
  for (const key in after) {
    if (!Object.hasOwn(before, key)) compareAt(into, `f:${key}`, undefined, after[key], childSchema(schema, key));
  }
}

function own(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Compares the two values of one path element and records what is found there and below. */
function compareAt(
  into: Mutable,
  element: string,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  schema: Schema | undefined,
): void {
  if (before === undefined) {
    if (after !== undefined) into.added[element] = everythingIn(after, schema);
  } else if (after === undefined) into.removed[element] = everythingIn(before, schema);
  // Most of most objects is equal: finding that out first costs less than building sets on the way.
  else if (!jsonEquals(before, after)) {
    const below = descend(before, after, schema);
    if (below === undefined) {
      into.modified[element] = {};
      return;
    }
    attach(into.added, element, below.added);
    attach(into.removed, element, below.removed);
    attach(into.modified, element, below.modified);
  }
}

function attach(set: MutableFieldSet, element: string, below: MutableFieldSet): void {
  for (const _ in below) {
    set[element] = below;
    return;
  }
}

/** The node of a value that appeared or vanished: itself and all below it. */
function everythingIn(value: JsonValue, schema: Schema | undefined): MutableFieldSet {
  const node: MutableFieldSet = {};
  if (schema === undefined) return node;
  let empty = true;
  if (isSharedObject(schema) && isObject(value)) {
    for (const key in value) {
      const child = value[key];
      if (child === undefined) continue;
      node[`f:${key}`] = everythingIn(child, childSchema(schema, key));
      empty = false;
    }
  } else if (isSharedList(schema) && Array.isArray(value)) {
    for (const [element, items] of indexList(value, schema)) {
      const [item = null] = items;
      node[element] = items.length === 1 ? everythingIn(item, schema.items) : {};
      empty = false;
    }
  }
  if (!empty) node['.'] = {};
  return node;
}

/**
 * Differences below a value; undefined for leaves. Nothing but empty values is a leaf too, so that empty and absent stay
 * different.
 */
function descend(before: JsonValue, after: JsonValue, schema: Schema | undefined): Mutable | undefined {
  if (schema === undefined) return undefined;
  if (isSharedObject(schema)) {
    const [left, right] = [asObject(before), asObject(after)];
    if (left === undefined || right === undefined || (isEmpty(left) && isEmpty(right))) return undefined;
    const below: Mutable = { added: {}, modified: {}, removed: {} };
    compareFields(below, left, right, schema);
    return below;
  }
  if (!isSharedList(schema)) return undefined;
  const [left, right] = [asList(before), asList(after)];
  if (left === undefined || right === undefined || (left.length === 0 && right.length === 0)) return undefined;
  const below: Mutable = { added: {}, modified: {}, removed: {} };
  compareElements(below, left, right, schema);
  return below;
}

/** Null is empty; undefined means a value of another shape, which is a leaf. */
function asObject(value: JsonValue): JsonObject | undefined {
  if (value === null) return {};
  return isObject(value) ? value : undefined;
}

function asList(value: JsonValue): readonly JsonValue[] | undefined {
  if (value === null) return [];
  return Array.isArray(value) ? value : undefined;
}

function isEmpty(value: JsonObject): boolean {
  for (const _ in value) return false;
  return true;
}

function compareElements(
  into: Mutable,
  before: readonly JsonValue[],
  after: readonly JsonValue[],
  schema: ListSchema,
): void {
  const [left, right] = [indexList(before, schema), indexList(after, schema)];
  const unique = (items: readonly JsonValue[] | undefined): boolean => items === undefined || items.length === 1;
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    const [old, current] = [left.get(element), right.get(element)];
    if (unique(old) && unique(current)) {
      if (old?.[0] !== current?.[0]) compareAt(into, element, old?.[0], current?.[0], schema.items);
    } else if (old === undefined) into.added[element] = {};
    else if (current === undefined) into.removed[element] = {};
    else if (!jsonEquals(old, current)) into.modified[element] = {};
  }
}
