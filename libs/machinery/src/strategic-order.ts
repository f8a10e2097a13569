import { isObject, jsonEquals } from './json-tree';
import { type JsonValue } from './objects';

/** What identifies an element: itself, or the value of its merge key. */
function identity(item: JsonValue, mergeKey: string | undefined): JsonValue {
  return mergeKey !== undefined && isObject(item) ? (item[mergeKey] ?? null) : item;
}

/** A text that is equal for equal identities, to look positions up in constant time. */
function token(item: JsonValue, mergeKey: string | undefined): string {
  return JSON.stringify(identity(item, mergeKey));
}

/** Position of each element in an order; the first one counts. */
function positions(order: readonly JsonValue[], mergeKey: string | undefined): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  order.forEach((item, index) => {
    const key = token(item, mergeKey);
    if (!found.has(key)) found.set(key, index);
  });
  return found;
}

/**
 * Orders the result of merging two lists: elements named by the patch follow the patch's order, the others the server's,
 * and the two sequences are interleaved by the server's order where it knows both (KEP: preserve order in strategic
 * merge patch).
 */
export function mergeOrder(
  merged: readonly JsonValue[],
  patchOrder: readonly JsonValue[],
  serverOrder: readonly JsonValue[],
  mergeKey: string | undefined,
): JsonValue[] {
  const inPatch = positions(patchOrder, mergeKey);
  const onServer = positions(serverOrder, mergeKey);
  const rank = (ranks: ReadonlyMap<string, number>, item: JsonValue): number =>
    ranks.get(token(item, mergeKey)) ?? Infinity;
  const byRank = (ranks: ReadonlyMap<string, number>) => (a: JsonValue, b: JsonValue) => {
    const [left, right] = [rank(ranks, a), rank(ranks, b)];
    return left === right ? 0 : left - right;
  };

  const patched = merged.filter((item) => inPatch.has(token(item, mergeKey))).sort(byRank(inPatch));
  const serverOnly = merged.filter((item) => !inPatch.has(token(item, mergeKey))).sort(byRank(onServer));
  const result: JsonValue[] = [];
  let [left, right] = [0, 0];
  while (left < serverOnly.length && right < patched.length) {
    const [mine, theirs] = [serverOnly[left] as JsonValue, patched[right] as JsonValue];
    const [a, b] = [rank(onServer, mine), rank(onServer, theirs)];
    if (Number.isFinite(a) && Number.isFinite(b) && a < b) {
      result.push(mine);
      left++;
    } else {
      result.push(theirs);
      right++;
    }
  }
  return [...result, ...serverOnly.slice(left), ...patched.slice(right)];
}

/** Whether the elements of the patch occur in the order in this sequence. Deletions are not looked at. */
export function followsOrder(
  patch: readonly JsonValue[],
  order: readonly JsonValue[],
  mergeKey: string | undefined,
): boolean {
  if (patch.length === 0 || order.length === 0) return true;
  const kept = patch.filter((item) => !(isObject(item) && item.$patch === 'delete'));
  let next = 0;
  for (const item of order) {
    const expected = kept[next];
    if (expected === undefined) break;
    if (jsonEquals(identity(expected, mergeKey), identity(item, mergeKey))) next++;
  }
  return next === kept.length;
}
