import { createHash } from 'node:crypto';
import { type DeepReadonly, type JsonValue } from '#machinery';

/** SHA-256 of an object's JSON with sorted keys: equal for objects that say the same, whatever the order of their fields. */
export function objectDigest(object: DeepReadonly<object>): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(object as JsonValue)))
    .digest('hex');
}

function sorted(value: DeepReadonly<JsonValue>): DeepReadonly<JsonValue> {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, part]) => [key, sorted(part as JsonValue)]));
}
