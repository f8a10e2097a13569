import { type DeviceSelector, type OpaqueDeviceConfiguration } from '#api';
import { type DeepReadonly, field, type FieldError, type FieldPath, isCIdentifier, isObject } from '#machinery';
import { validateDriverName } from '../pods/volume-parts-validation';
import { count, each, invalids, type List } from '../validation/checks';

/** What claims, classes and slices of devices have in common. */

const MAXIMUM_PARAMETER_BYTES = 10 * 1024;
const MAXIMUM_IDENTIFIER_BYTES = 32;
export const MAXIMUM_LIST = 32;

/** Elements one by one, unless there are so many that it is not worth while. */
export function limited<T>(
  items: List<T>,
  maximum: number,
  path: FieldPath,
  check: (item: T, path: FieldPath) => readonly FieldError[],
): FieldError[] {
  return count(items) > maximum ? [field.tooMany(path, count(items), maximum)] : each(items, path, check);
}

/** The same for elements of which there is one of each key. */
export function limitedSet<T>(
  items: List<T>,
  maximum: number,
  path: FieldPath,
  keyOf: (item: T) => string,
  check: (item: T, path: FieldPath) => readonly FieldError[],
): FieldError[] {
  const errors = limited(items, maximum, path, check);
  if (count(items) > maximum) return errors;
  const seen = new Set<string>();
  return [
    ...errors,
    ...each(items, path, (item, place) => {
      const key = keyOf(item);
      if (seen.has(key)) return [field.duplicate(place, key)];
      seen.add(key);
      return [];
    }),
  ];
}

/** Expressions are compiled where they are used. */
export function validateSelectors(selectors: List<DeepReadonly<DeviceSelector>>, path: FieldPath): FieldError[] {
  return limited(selectors, MAXIMUM_LIST, path, ({ cel }, place) =>
    cel === undefined ? [field.required(place.child('cel'))] : [],
  );
}

/** Configuration that only the driver can read: a JSON object. */
export function validateConfiguration(
  { opaque }: { readonly opaque?: DeepReadonly<OpaqueDeviceConfiguration> },
  path: FieldPath,
): FieldError[] {
  const place = path.child('opaque');
  if (opaque === undefined) return [field.required(place)];
  return [
    ...validateDriverName(opaque.driver, place.child('driver')),
    ...validateParameters(opaque.parameters, place.child('parameters')),
  ];
}

function validateParameters(parameters: unknown, path: FieldPath): FieldError[] {
  if (parameters === undefined || parameters === null) return [field.required(path)];
  if (Buffer.byteLength(JSON.stringify(parameters)) > MAXIMUM_PARAMETER_BYTES) {
    return [field.tooLong(path, MAXIMUM_PARAMETER_BYTES)];
  }
  return isObject(parameters) ? [] : [field.invalid(path, '<value omitted>', 'must be a valid JSON object')];
}

/** `domain/name`, or a name in the domain of the driver. */
export function validateQualified(name: string, path: FieldPath): FieldError[] {
  const [domain, id, ...more] = name.split('/');
  if (more.length > 0) return [field.invalid(path, name, 'must not contain more than one slash')];
  if (id === undefined) return validateIdentifier(domain ?? '', path);
  return [
    ...(domain === '' ? [field.invalid(path, '', 'the domain must not be empty')] : validateDriverName(domain, path)),
    ...(id === '' ? [field.invalid(path, '', 'the name must not be empty')] : validateIdentifier(id, path)),
  ];
}

export function validateFullyQualified(name: string, path: FieldPath): FieldError[] {
  const errors = validateQualified(name, path);
  if (name.includes('/')) return errors;
  return [
    ...errors,
    field.invalid(path, name, 'a fully qualified name must be a domain and a name separated by a slash'),
  ];
}

function validateIdentifier(id: string, path: FieldPath): FieldError[] {
  return [
    ...(Buffer.byteLength(id) > MAXIMUM_IDENTIFIER_BYTES ? [field.tooLong(path, MAXIMUM_IDENTIFIER_BYTES)] : []),
    ...invalids(isCIdentifier(id), path, id),
  ];
}
