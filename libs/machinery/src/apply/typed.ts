import { isObject, type JsonObject } from '../json-tree';
import { type JsonValue } from '../objects';
import { type ListSchema, type Schema } from '../schema';
import { type MutableFieldSet } from './field-set';
import { elementOf, ListElementError } from './path-element';

/**
 * Structured-merge-diff's view of a schema: scalars, `any` and what is atomic are leaves; other objects and associative
 * lists are shared field by field.
 */

export function isSharedList(schema: Schema | undefined): schema is ListSchema {
  return schema?.type === 'list' && (schema.listType === 'map' || schema.listType === 'set');
}

export function isSharedObject(schema: Schema | undefined): boolean {
  return (schema?.type === 'struct' || schema?.type === 'map') && schema.atomic !== true;
}

/** The schema of a key, or undefined for a field that the schema does not declare. */
export function childSchema(schema: Schema, key: string): Schema | undefined {
  if (schema.type === 'map') return schema.values;
  return schema.type === 'struct' && Object.hasOwn(schema.fields, key) ? schema.fields[key]?.schema : undefined;
}

/** Elements of a list by what identifies them; those that occur twice or cannot be identified have no single value. */
export function indexList(items: readonly JsonValue[], schema: ListSchema): Map<string, JsonValue[]> {
  const index = new Map<string, JsonValue[]>();
  for (const item of items) {
    const element = tryElementOf(item, schema);
    if (element === undefined) continue;
    const same = index.get(element);
    if (same === undefined) index.set(element, [item]);
    else same.push(item);
  }
  return index;
}

/** Live objects may hold what nobody could apply; such elements have no owner. */
export function tryElementOf(item: JsonValue, schema: ListSchema): string | undefined {
  try {
    return elementOf(item, schema);
  } catch (error) {
    if (error instanceof ListElementError) return undefined;
    throw error;
  }
}

/** Marks a node of a set under construction as a member of it. */
function markMember(set: MutableFieldSet, element: string, below: MutableFieldSet): void {
  for (const _ in below) {
    below['.'] = {};
    break;
  }
  set[element] = below;
}

/**
 * Every field that a configuration mentions: leaves, elements of lists, entries of free maps, and what is empty or null.
 * Objects that only lead to other fields are not themselves in the set.
 */
export function toFieldSet(value: JsonValue, schema: Schema): MutableFieldSet {
  const set: MutableFieldSet = {};
  if (isObject(value)) collectObject(set, value, schema);
  return set;
}

function collectObject(set: MutableFieldSet, value: JsonObject, schema: Schema): void {
  for (const key in value) {
    const child = value[key] ?? null;
    const known = childSchema(schema, key);
    const below: MutableFieldSet = {};
    const leaf = collect(below, child, known);
    const empty = child === null || (isObject(child) && Object.keys(child).length === 0);
    if (leaf || empty || schema.type === 'map' || known === undefined) markMember(set, `f:${key}`, below);
    else if (Object.keys(below).length > 0) set[`f:${key}`] = below;
  }
}

/** Collects what is below a value. True when the value is a leaf. */
function collect(set: MutableFieldSet, value: JsonValue, schema: Schema | undefined): boolean {
  if (schema !== undefined && isSharedObject(schema) && isObject(value)) {
    collectObject(set, value, schema);
    return false;
  }
  if (isSharedList(schema) && Array.isArray(value)) {
    for (const item of value) {
      const element = tryElementOf(item, schema);
      if (element === undefined) continue;
      const below: MutableFieldSet = {};
      collect(below, item, schema.items);
      markMember(set, element, below);
    }
    return false;
  }
  return true;
}
