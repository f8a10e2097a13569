import { type JsonValue } from '../objects';

/**
 * A set of field paths in the form of `FieldsV1`: keys are path elements (`f:name`, `k:{…}`, `v:…`, `i:0`), a node is in
 * the set when it is `{}` or contains `.`, whatever else it contains are paths below it. The root is never a member, so
 * `{}` at the root is the empty set. Values are never changed; results share structure with their arguments.
 *
 * The wire form is the working form because nearly every write touches few fields of many: an operation costs what its
 * smaller argument is worth, and nothing is decoded or encoded.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** The same while it is being built. */
export interface MutableFieldSet {
  [element: string]: MutableFieldSet;
}

export const emptySet: FieldSet = {};
const self = '.';
const memberNode: FieldSet = {};

export function isEmptySet(set: FieldSet): boolean {
  for (const element in set) if (element !== self) return false;
  return true;
}

/** Whether the node of a path element stands for itself and not only for paths below it. */
export function isMember(node: FieldSet): boolean {
  for (const _ in node) return node[self] !== undefined;
  return true;
}

function makeNode(member: boolean, children: FieldSet | undefined): FieldSet | undefined {
  if (children === undefined || isEmptySet(children)) return member ? memberNode : undefined;
  return member ? { [self]: memberNode, ...children } : children;
}

/** The paths below a node, as a set of their own. */
export function childrenOf(node: FieldSet): FieldSet {
  if (node[self] === undefined) return node;
  const { [self]: _, ...children } = node;
  return children;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  const result: MutableFieldSet = { ...a };
  for (const element in b) {
    if (element === self) continue;
    const [left, right] = [a[element], b[element] as FieldSet];
    const joined =
      left === undefined
        ? right
        : makeNode(isMember(left) || isMember(right), union(childrenOf(left), childrenOf(right)));
    if (joined !== undefined) result[element] = joined;
  }
  return result;
}

/** What is in `a` but not in `b`; a member of `b` takes away itself, not the paths below it. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  let result: MutableFieldSet | undefined;
  for (const element in b) {
    const left = element === self ? undefined : a[element];
    if (left === undefined) continue;
    const right = b[element] as FieldSet;
    const rest = makeNode(isMember(left) && !isMember(right), difference(childrenOf(left), childrenOf(right)));
    if (rest === left) continue;
    result ??= { ...a };
    if (rest === undefined) delete result[element];
    else result[element] = rest;
  }
  return result ?? a;
}

/** What is in `a` and neither in `b` nor below a member of `b`. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  let result: MutableFieldSet | undefined;
  for (const element in b) {
    const left = element === self ? undefined : a[element];
    if (left === undefined) continue;
    const right = b[element] as FieldSet;
    const rest = isMember(right) ? undefined : makeNode(isMember(left), recursiveDifference(childrenOf(left), right));
    result ??= { ...a };
    if (rest === undefined) delete result[element];
    else result[element] = rest;
  }
  return result ?? a;
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const result: MutableFieldSet = {};
  for (const element in b) {
    const left = element === self ? undefined : a[element];
    if (left === undefined) continue;
    const right = b[element] as FieldSet;
    const both = makeNode(isMember(left) && isMember(right), intersection(childrenOf(left), childrenOf(right)));
    if (both !== undefined) result[element] = both;
  }
  return result;
}

export function setEquals(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  let count = 0;
  for (const element in a) {
    if (element === self) continue;
    const [left, right] = [a[element] as FieldSet, b[element]];
    if (right === undefined || isMember(left) !== isMember(right)) return false;
    if (!setEquals(childrenOf(left), childrenOf(right))) return false;
    count++;
  }
  for (const element in b) if (element !== self) count--;
  return count === 0;
}

/** The members, as lists of path elements: sorted, a node before the paths below it and its siblings before those. */
export function* membersOf(set: FieldSet, prefix: readonly string[] = []): Generator<readonly string[]> {
  const elements = Object.keys(set)
    .filter((element) => element !== self)
    .sort();
  for (const element of elements) if (isMember(set[element] as FieldSet)) yield [...prefix, element];
  for (const element of elements) yield* membersOf(set[element] as FieldSet, [...prefix, element]);
}

/** A set of named fields: `fieldSetOf('status', 'metadata.labels')`. */
export function fieldSetOf(...paths: string[]): FieldSet {
  return paths.reduce<FieldSet>((set, path) => {
    const node = path
      .split('.')
      .reverse()
      .reduce<FieldSet>((below, name) => ({ [`f:${name}`]: below }), memberNode);
    return union(set, node);
  }, emptySet);
}

const elementPattern = /^(?:\.$|[fkv]:|i:-?\d+$)/;

/** Reads `fieldsV1` of a client. Undefined when it is none; such entries are forgotten, as upstream does. */
export function parseFieldSet(value: JsonValue | undefined): FieldSet | undefined {
  if (value === undefined || value === null) return emptySet;
  return isFieldSet(value) ? value : undefined;
}

function isFieldSet(value: JsonValue): value is MutableFieldSet & Record<string, JsonValue> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([element, child]) => elementPattern.test(element) && isFieldSet(child));
}
