/**
 * Equality of API values, as apimachinery's `Semantic.DeepEqual`: what is absent equals what is empty (`undefined`, `null`, `[]`,
 * `{}`, since Go's nil and empty look alike on the wire). Numbers, strings and booleans compare by value.
 */
export function deepEqualSemantic(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a)) return isEmpty(b);
  if (isEmpty(b)) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => deepEqualSemantic(item, b[index]));
  }
  if (!isRecord(a) || !isRecord(b) || Array.isArray(b)) return false;
  for (const key of Object.keys(a)) if (!deepEqualSemantic(a[key], b[key])) return false;
  for (const key of Object.keys(b)) if (!(key in a) && !isEmpty(b[key])) return false;
  return true;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (!isRecord(value)) return false;
  for (const key in value) if (!isEmpty(value[key])) return false;
  return true;
}
