import { type PersistentVolumeClaimSpec, type TypedLocalObjectReference } from '#api';
import {
  compareQuantities,
  type DeepReadonly,
  field,
  type FieldError,
  type FieldPath,
  parseQuantity,
  validateLabelSelector,
  zeroQuantity,
} from '#machinery';
import { count, dnsSubdomain, isUnset, type List, required } from '../validation/checks';

export const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

export function validateAccessModes(modes: List<string>, path: FieldPath): FieldError[] {
  const errors = (modes ?? [])
    .filter((mode) => !accessModes.includes(mode))
    .map((mode) => field.notSupported(path, mode, accessModes));
  if (count(modes) > 1 && modes?.includes('ReadWriteOncePod') === true) {
    errors.push(field.forbidden(path, 'may not use ReadWriteOncePod with other access modes'));
  }
  return errors;
}

export function positiveQuantity(value: string, path: FieldPath): FieldError[] {
  return compareQuantities(parseQuantity(value), zeroQuantity) > 0
    ? []
    : [field.invalid(path, value, 'must be greater than zero')];
}

/** `ValidatePersistentVolumeClaimSpec`, also of claims that pods and stateful sets ask for. */
export function validateClaimSpec(
  spec: DeepReadonly<PersistentVolumeClaimSpec> | undefined,
  path: FieldPath,
): FieldError[] {
  const { accessModes: modes, resources, storageClassName, volumeMode, volumeAttributesClassName } = spec ?? {};
  const errors: FieldError[] = [];
  if (count(modes) === 0) {
    errors.push(field.required(path.child('accessModes'), 'at least 1 access mode is required'));
  }
  errors.push(...validateLabelSelector(spec?.selector, path.child('selector')));
  errors.push(...validateAccessModes(modes, path.child('accessModes')));
  const size = resources?.requests?.['storage'];
  const sizePath = path.child('resources').key('storage');
  errors.push(...(size === undefined ? [field.required(sizePath)] : positiveQuantity(size, sizePath)));
  if (!isUnset(storageClassName)) {
    errors.push(...dnsSubdomain(storageClassName ?? '', path.child('storageClassName')));
  }
  if (volumeMode !== undefined && volumeMode !== 'Block' && volumeMode !== 'Filesystem') {
    errors.push(field.notSupported(path.child('volumeMode'), volumeMode, ['Block', 'Filesystem']));
  }
  if (spec?.dataSource !== undefined) errors.push(...validateSource(spec.dataSource, path.child('dataSource')));
  if (spec?.dataSourceRef !== undefined) {
    errors.push(...validateSource(spec.dataSourceRef, path.child('dataSourceRef')));
  }
  if (!isUnset(volumeAttributesClassName)) {
    errors.push(...dnsSubdomain(volumeAttributesClassName ?? '', path.child('volumeAttributesClassName')));
  }
  return errors;
}

function validateSource(source: DeepReadonly<TypedLocalObjectReference>, path: FieldPath): FieldError[] {
  const { name, kind, apiGroup } = source;
  const errors = [...required(name, path.child('name')), ...required(kind, path.child('kind'))];
  if (isUnset(apiGroup) && kind !== 'PersistentVolumeClaim') {
    errors.push(
      field.invalid(path, apiGroup ?? '', "must be 'PersistentVolumeClaim' when referencing the default apiGroup"),
    );
  }
  if (!isUnset(apiGroup)) errors.push(...dnsSubdomain(apiGroup ?? '', path.child('apiGroup')));
  return errors;
}
