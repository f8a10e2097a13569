import { type PersistentVolumeClaim, type PersistentVolumeClaimSpec } from '#api';
import { compareQuantities, type DeepReadonly, field, type FieldError, FieldPath, parseQuantity } from '#machinery';
import { immutable, sameValue } from '../validation/checks';
import { goStruct } from '../validation/go-struct';
import { unifiedDiff } from '../validation/unified-diff';
import { fractionWarnings, volumeAnnotationWarnings } from '../common/warnings';
import { type Validation } from '../validation/validation';
import { validateClaimSpec } from './claim-spec-validation';

const spec = FieldPath.of('spec');

export const claimValidation: Validation<PersistentVolumeClaim> = {
  validateCreate: (claim) => validateClaimSpec(claim.spec, spec),
  validateUpdate: validateClaimUpdate,
  warningsOnCreate: claimWarnings,
  warningsOnUpdate: claimWarnings,
};

type Claim = DeepReadonly<PersistentVolumeClaim>;

/** A claim is what it was made for; once bound it may grow, and the control plane fills in its volume. */
function validateClaimUpdate(claim: Claim, old: Claim): FieldError[] {
  const own = claim.spec ?? {};
  const before = old.spec ?? {};
  const errors = validateClaimSpec(own, spec);
  const size = own.resources?.requests?.['storage'];
  const oldSize = before.resources?.requests?.['storage'];
  const isBound = old.status?.phase === 'Bound';
  const fixed: Record<string, unknown> = { ...own };
  if ((before.volumeName ?? '') === '') fixed['volumeName'] = before.volumeName;
  // The default class may come later than the claim (KEP-3333).
  if (before.storageClassName === undefined) fixed['storageClassName'] = before.storageClassName;
  if (isBound && size !== undefined) {
    fixed['resources'] = { ...own.resources, requests: { ...own.resources?.requests, storage: oldSize } };
  }
  if (isBound || before.volumeAttributesClassName !== undefined) {
    fixed['volumeAttributesClassName'] = before.volumeAttributesClassName;
  }
  if (!sameSpec(fixed, before)) {
    const diff = unifiedDiff(internal(before), internal(fixed));
    const text = `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${diff}`;
    errors.push(field.forbidden(spec, text));
  } else if (
    size !== undefined &&
    oldSize !== undefined &&
    isLess(size, old.status?.capacity?.['storage'] ?? oldSize) &&
    isLess(size, oldSize)
  ) {
    errors.push(
      field.forbidden(spec.child('resources', 'requests', 'storage'), 'field can not be less than status.capacity'),
    );
  }
  return [...errors, ...immutable(own.volumeMode, before.volumeMode, FieldPath.of('volumeMode'))];
}

function isLess(size: string, other: string): boolean {
  return compareQuantities(parseQuantity(size), parseQuantity(other)) < 0;
}

function internal(own: unknown): unknown {
  return goStruct(own, 'PersistentVolumeClaimSpec');
}

function sameSpec(own: unknown, before: DeepReadonly<PersistentVolumeClaimSpec>): boolean {
  return sameValue(internal(own), internal(before));
}

function claimWarnings({ metadata, spec: own }: Claim): string[] {
  const storage = (kind: 'requests' | 'limits'): string[] =>
    fractionWarnings(own?.resources?.[kind]?.['storage'], spec.child('resources', kind).key('storage'));
  return [
    ...volumeAnnotationWarnings(metadata, ['volume.beta.kubernetes.io/storage-class']),
    ...storage('requests'),
    ...storage('limits'),
  ];
}
