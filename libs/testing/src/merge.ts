import { type JsonValue } from '#machinery';

type Json = JsonValue | undefined;

/** Merge keys of the lists that controllers patch. Tests of the real ones belong to `#machinery`. */
const mergeKeys: Readonly<Record<string, string>> = {
  conditions: 'type',
  ownerReferences: 'uid',
  containers: 'name',
  initContainers: 'name',
  volumes: 'name',
  env: 'name',
  addresses: 'type',
};

/** RFC 7396. */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isMap(patch)) return patch;
  const result = isMap(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (value !== undefined) result[key] = mergePatch(result[key], value) ?? null;
  }
  return result;
}

/** Strategic merge as far as controllers use it: the lists above, `$patch: delete`, `finalizers` as a set. */
export function strategicPatch(target: Json, patch: Json, field = ''): Json {
  if (Array.isArray(patch)) return mergeList(Array.isArray(target) ? target : [], patch, field);
  if (!isMap(patch)) return patch;
  const result = isMap(target) ? { ...target } : {};
  const removed = patch['$deleteFromPrimitiveList/finalizers'];
  if (Array.isArray(removed) && Array.isArray(result.finalizers)) {
    result.finalizers = result.finalizers.filter((item) => !removed.includes(item));
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue;
    if (value === null) delete result[key];
    else if (value !== undefined) result[key] = strategicPatch(result[key], value, key) ?? null;
  }
  return result;
}

function mergeList(target: JsonValue[], patch: JsonValue[], field: string): JsonValue[] {
  if (field === 'finalizers') return [...new Set([...target, ...patch])];
  const mergeKey = mergeKeys[field];
  if (mergeKey === undefined) return patch;
  let result = [...target];
  for (const item of patch) {
    if (!isMap(item)) continue;
    const isSame = (other: JsonValue): boolean => isMap(other) && other[mergeKey] === item[mergeKey];
    if (item.$patch === 'delete') result = result.filter((other) => !isSame(other));
    else if (result.some(isSame)) {
      result = result.map((other) => (isSame(other) ? (strategicPatch(other, item) ?? null) : other));
    } else result.push(item);
  }
  return result;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: JsonValue;
}

/** RFC 6902: add, replace, remove and test. Throws what the operation could not do. */
export function jsonPatch(target: JsonValue, operations: readonly Operation[]): JsonValue {
  const root = { document: structuredClone(target) };
  for (const { op, path, value } of operations) {
    const tokens = path.split('/').slice(1);
    const steps = ['document', ...tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))];
    const last = steps.pop()!;
    let parent: Json = root;
    for (const step of steps)
      parent = Array.isArray(parent) ? parent[Number(step)] : isMap(parent) ? parent[step] : undefined;
    if (Array.isArray(parent)) {
      const index = last === '-' ? parent.length : Number(last);
      if (op === 'add') parent.splice(index, 0, value ?? null);
      else if (op === 'remove') parent.splice(index, 1);
      else if (op === 'replace') parent[index] = value ?? null;
      else check(op, path, parent[index], value);
    } else if (isMap(parent)) {
      if (op === 'add' || op === 'replace') parent[last] = value ?? null;
      else if (op === 'remove') delete parent[last];
      else check(op, path, parent[last], value);
    } else throw new Error(`missing path: ${path}`);
  }
  return root.document;
}

function check(op: string, path: string, actual: Json, expected: Json): void {
  if (op !== 'test') throw new Error(`unknown operation ${op}`);
  if (JSON.stringify(actual) !== JSON.stringify(expected)) throw new Error(`testing value ${path} failed`);
}

function isMap(value: Json): value is { [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
