import { field, type FieldError, type FieldPath, type IntOrString, isValidPercent } from '#machinery';
import { invalids, nonNegative } from '../validation/checks';

/** A number of pods, or a part of them. */
export function validateIntOrPercent(value: IntOrString | undefined, path: FieldPath): FieldError[] {
  return typeof value === 'string' ? invalids(isValidPercent(value), path, value) : nonNegative(value, path);
}

export function atMostAll(value: IntOrString | undefined, path: FieldPath): FieldError[] {
  return typeof value === 'string' && isValidPercent(value).length === 0 && Number.parseInt(value, 10) > 100
    ? [field.invalid(path, value, 'must not be greater than 100%')]
    : [];
}

/** Its number, whatever it is a part of: enough to tell zero from the rest. */
export function amountOf(value: IntOrString | undefined): number {
  return typeof value === 'string' ? Number.parseInt(value, 10) || 0 : (value ?? 0);
}
