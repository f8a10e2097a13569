import { type V2CrossVersionObjectReference } from '#api';
import { type DeepReadonly, field, type FieldError, type FieldPath, isPathSegmentName } from '#machinery';
import { invalids, isUnset } from '../validation/checks';

export type Reference = DeepReadonly<V2CrossVersionObjectReference>;

/** `ValidateCrossVersionObjectReference`: names become parts of paths. */
export function validateReference({ kind, name }: Reference, path: FieldPath): FieldError[] {
  return [
    ...(isUnset(kind)
      ? [field.required(path.child('kind'))]
      : invalids(isPathSegmentName(kind), path.child('kind'), kind)),
    ...(isUnset(name)
      ? [field.required(path.child('name'))]
      : invalids(isPathSegmentName(name), path.child('name'), name)),
  ];
}

/** `schema.ParseGroupVersion`. */
export function validateVersion(apiVersion: string, path: FieldPath): FieldError[] {
  if (apiVersion.split('/').length <= 2) return [];
  return [field.invalid(path, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
}
