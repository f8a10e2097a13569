import {
  compareQuantities,
  type DeepReadonly,
  field,
  type FieldError,
  type FieldPath,
  isConfigMapKey,
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  jsonEquals,
  parseQuantity,
  zeroQuantity,
} from '#machinery';

/** The checks that many kinds share. Each returns what is wrong, nothing if all is well; texts are upstream's. */

export type List<T> = readonly T[] | null | undefined;

/** Applies a check to every element, with its place. Lists that nobody wrote may be null. */
export function each<T>(
  items: List<T>,
  path: FieldPath,
  check: (item: T, path: FieldPath, index: number) => readonly FieldError[],
): FieldError[] {
  const errors: FieldError[] = [];
  (items ?? []).forEach((item, index) => errors.push(...check(item, path.index(index), index)));
  return errors;
}

/** One `Invalid` for each complaint about a value. */
export function invalids(messages: readonly string[], path: FieldPath, value: unknown): FieldError[] {
  return messages.map((message) => field.invalid(path, value, message));
}

export function required(value: unknown, path: FieldPath, detail = ''): FieldError[] {
  return isUnset(value) ? [field.required(path, detail)] : [];
}

export function isUnset(value: unknown): boolean {
  return (
    value === undefined || value === null || value === '' || (Array.isArray(value) && (value as unknown[]).length === 0)
  );
}

export function count(items: List<unknown>): number {
  return items?.length ?? 0;
}

/** `Unsupported value` unless the value is one of those; they are listed as given. */
export function oneOf(value: string | undefined, supported: readonly string[], path: FieldPath): FieldError[] {
  return supported.includes(value ?? '') ? [] : [field.notSupported(path, value ?? '', supported)];
}

/** The same for a field that need not be there. */
export function optionalOneOf(value: string | undefined, supported: readonly string[], path: FieldPath): FieldError[] {
  return value === undefined ? [] : oneOf(value, supported, path);
}

/** The same for a field that must be there: an empty one is missing rather than unsupported. */
export function requiredOneOf(value: string | undefined, supported: readonly string[], path: FieldPath): FieldError[] {
  return isUnset(value) ? [field.required(path)] : oneOf(value, supported, path);
}

export function nonNegative(value: number | null | undefined, path: FieldPath): FieldError[] {
  return (value ?? 0) < 0 ? [field.invalid(path, value, 'must be greater than or equal to 0')] : [];
}

export function positive(value: number | null | undefined, path: FieldPath): FieldError[] {
  return value !== undefined && value !== null && value <= 0
    ? [field.invalid(path, value, 'must be greater than zero')]
    : [];
}

export function nonNegativeQuantity(value: string, path: FieldPath): FieldError[] {
  return compareQuantities(parseQuantity(value), zeroQuantity) < 0
    ? [field.invalid(path, value, 'must be greater than or equal to 0')]
    : [];
}

export function immutable(value: unknown, old: unknown, path: FieldPath): FieldError[] {
  return sameValue(value, old) ? [] : [field.invalid(path, value, 'field is immutable')];
}

/** Equal as Go's `Semantic.DeepEqual` sees it: what is absent, null or empty is the same. */
export function sameValue(value: unknown, old: unknown): boolean {
  const a = isNothing(value) ? undefined : value;
  const b = isNothing(old) ? undefined : old;
  return a === b || (a !== undefined && b !== undefined && jsonEquals(a, b));
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value).length === 0;
}

export function dnsLabel(value: string, path: FieldPath): FieldError[] {
  return invalids(isDns1123Label(value), path, value);
}

export function dnsSubdomain(value: string, path: FieldPath): FieldError[] {
  return invalids(isDns1123Subdomain(value), path, value);
}

export function qualifiedName(value: string, path: FieldPath): FieldError[] {
  return invalids(isQualifiedName(value), path, value);
}

/** A key of a ConfigMap or Secret that something refers to. */
export function configKey(value: string | undefined, path: FieldPath): FieldError[] {
  return isUnset(value) ? [field.required(path)] : invalids(isConfigMapKey(value ?? ''), path, value);
}

/** Something that has a name and must have it. */
export function namedReference(reference: DeepReadonly<{ name?: string }> | undefined, path: FieldPath): FieldError[] {
  return reference === undefined ? [] : required(reference.name, path.child('name'));
}

/** `..` as a part of a path would lead out of the directory that it is relative to. */
export function noBacksteps(value: string, path: FieldPath): FieldError[] {
  return value.split('/').includes('..') ? [field.invalid(path, value, "must not contain '..'")] : [];
}

/** A path that stays below a directory. */
export function localPath(value: string, path: FieldPath): FieldError[] {
  return [
    ...(value.startsWith('/') ? [field.invalid(path, value, 'must be a relative path')] : []),
    ...noBacksteps(value, path),
  ];
}

/** The same, and not one of the names that atomic writers keep for themselves (`..data`). */
export function localUnreservedPath(value: string, path: FieldPath): FieldError[] {
  const reserved = value.startsWith('..') && !value.startsWith('../');
  return [...localPath(value, path), ...(reserved ? [field.invalid(path, value, "must not start with '..'")] : [])];
}

export function inRange(value: number, low: number, high: number, path: FieldPath): FieldError[] {
  return value >= low && value <= high
    ? []
    : [field.invalid(path, value, `must be between ${low} and ${high}, inclusive`)];
}
