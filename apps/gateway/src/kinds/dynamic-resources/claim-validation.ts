import {
  type DeviceClaim,
  type DeviceRequest,
  type ExactDeviceRequest,
  type ResourceClaimTemplate,
  type ResourceResourceClaim,
} from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { dnsLabel, dnsSubdomain, each, immutable, isUnset, optionalOneOf, sameValue } from '../validation/checks';
import { goStruct } from '../validation/go-struct';
import { type Validation } from '../validation/validation';

const spec = FieldPath.of('spec');

export const resourceClaimValidation: Validation<ResourceResourceClaim> = {
  validateCreate: (claim) => validateDevices(claim.spec?.devices, spec.child('devices')),
  validateUpdate: (claim, old) => immutable(claim.spec, old.spec, spec),
};

export const resourceClaimTemplateValidation: Validation<ResourceClaimTemplate> = {
  validateCreate: (template) => validateDevices(template.spec.spec.devices, spec.child('spec', 'devices')),
  validateUpdate: (template, old) =>
    sameValue(template.spec, old.spec)
      ? []
      : [field.invalid(spec, goStruct(template.spec, 'ResourceClaimTemplateSpec'), 'field is immutable')],
};

/** Expressions are compiled where they are used. */
function validateDevices(devices: DeepReadonly<DeviceClaim> | undefined, path: FieldPath): FieldError[] {
  const names = new Set<string>();
  return [
    ...each(devices?.requests, path.child('requests'), (request, place) => {
      const errors = validateRequest(request, place);
      if (names.has(request.name)) errors.push(field.duplicate(place, request.name));
      names.add(request.name);
      return errors;
    }),
    ...each(devices?.constraints, path.child('constraints'), ({ matchAttribute, distinctAttribute }, place) => {
      if ((matchAttribute === undefined) !== (distinctAttribute === undefined)) return [];
      // Upstream says the same of none and of both.
      const text = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
      return [field.required(place, text)];
    }),
  ];
}

function validateRequest(
  { name, exactly, firstAvailable }: DeepReadonly<DeviceRequest>,
  path: FieldPath,
): FieldError[] {
  const errors = isUnset(name) ? [field.required(path.child('name'))] : dnsLabel(name, path.child('name'));
  if (exactly === undefined && isUnset(firstAvailable)) {
    return [...errors, field.required(path, 'exactly one of `exactly` or `firstAvailable` is required')];
  }
  if (exactly !== undefined && !isUnset(firstAvailable)) {
    const text = 'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set';
    errors.push(field.invalid(path, undefined, text));
  }
  return exactly === undefined ? errors : [...errors, ...validateExact(exactly, path.child('exactly'))];
}

function validateExact(request: DeepReadonly<ExactDeviceRequest>, path: FieldPath): FieldError[] {
  const { deviceClassName, allocationMode, count = 0 } = request;
  const errors = isUnset(deviceClassName)
    ? [field.required(path.child('deviceClassName'))]
    : dnsSubdomain(deviceClassName, path.child('deviceClassName'));
  errors.push(...optionalOneOf(allocationMode, ['All', 'ExactCount'], path.child('allocationMode')));
  if (allocationMode === 'ExactCount' && count <= 0) {
    errors.push(field.invalid(path.child('count'), count, 'must be greater than zero'));
  }
  if (allocationMode === 'All' && count !== 0) {
    const text = "must not be specified when allocationMode is 'All'";
    errors.push(field.invalid(path.child('count'), count, text));
  }
  return errors;
}
