import {
  type DeviceClaim,
  type DeviceConstraint,
  type DeviceRequest,
  type DeviceSubRequest,
  type ExactDeviceRequest,
  type ResourceClaimTemplate,
  type ResourceResourceClaim,
} from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { dnsLabel, dnsSubdomain, immutable, isUnset, type List, optionalOneOf, sameValue } from '../validation/checks';
import { goStruct } from '../validation/go-struct';
import { type Validation } from '../validation/validation';
import {
  limited,
  limitedSet,
  MAXIMUM_LIST,
  validateConfiguration,
  validateFullyQualified,
  validateSelectors,
} from './device-checks';

const spec = FieldPath.of('spec');
const MAXIMUM_ALTERNATIVES = 8;

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

/** Names of requests, and of the alternatives of each. */
type Names = ReadonlyMap<string, ReadonlySet<string>>;

function validateDevices(devices: DeepReadonly<DeviceClaim> | undefined, path: FieldPath): FieldError[] {
  const { requests, constraints, config } = devices ?? {};
  const names: Names = new Map(
    (requests ?? []).map(({ name, firstAvailable }) => [name, new Set((firstAvailable ?? []).map((one) => one.name))]),
  );
  return [
    ...limitedSet(requests, MAXIMUM_LIST, path.child('requests'), ({ name }) => name, validateRequest),
    ...limited(constraints, MAXIMUM_LIST, path.child('constraints'), (constraint, place) =>
      validateConstraint(constraint, names, place),
    ),
    ...limited(config, MAXIMUM_LIST, path.child('config'), (configuration, place) => [
      ...validateNamedRequests(configuration.requests, names, place.child('requests')),
      ...validateConfiguration(configuration, place),
    ]),
  ];
}

function validateConstraint(constraint: DeepReadonly<DeviceConstraint>, names: Names, path: FieldPath): FieldError[] {
  const { requests, matchAttribute, distinctAttribute } = constraint;
  const errors = validateNamedRequests(requests, names, path.child('requests'));
  if ((matchAttribute === undefined) === (distinctAttribute === undefined)) {
    // Upstream says the same of none and of both.
    const text = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
    return [...errors, field.required(path, text)];
  }
  for (const [name, value] of Object.entries({ matchAttribute, distinctAttribute })) {
    if (value !== undefined) errors.push(...validateFullyQualified(value, path.child(name)));
  }
  return errors;
}

/** References to requests, or to alternatives as `request/alternative`. */
function validateNamedRequests(references: List<string>, names: Names, path: FieldPath): FieldError[] {
  const text = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  return limitedSet(
    references,
    MAXIMUM_LIST,
    path,
    (name) => name,
    (reference, place) => {
      const [request = '', alternative, ...more] = reference.split('/');
      if (more.length > 0) return [field.invalid(place, reference, text)];
      const errors = reference.split('/').flatMap((part) => dnsLabel(part, place));
      const alternatives = names.get(request);
      const isKnown = alternatives !== undefined && (alternative === undefined || alternatives.has(alternative));
      return isKnown ? errors : [...errors, field.invalid(place, reference, text)];
    },
  );
}

function validateRequest(
  { name, exactly, firstAvailable }: DeepReadonly<DeviceRequest>,
  path: FieldPath,
): FieldError[] {
  const errors = validateName(name, path.child('name'));
  if (exactly === undefined && isUnset(firstAvailable)) {
    return [...errors, field.required(path, 'exactly one of `exactly` or `firstAvailable` is required')];
  }
  if (exactly !== undefined && !isUnset(firstAvailable)) {
    const text = 'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set';
    return [...errors, field.invalid(path, undefined, text)];
  }
  if (exactly !== undefined) return [...errors, ...validateExact(exactly, path.child('exactly'))];
  return [
    ...errors,
    ...limitedSet(
      firstAvailable,
      MAXIMUM_ALTERNATIVES,
      path.child('firstAvailable'),
      (alternative) => alternative.name,
      (alternative, place) => [
        ...validateName(alternative.name, place.child('name')),
        ...validateExact(alternative, place),
      ],
    ),
  ];
}

function validateName(name: string, path: FieldPath): FieldError[] {
  return isUnset(name) ? [field.required(path)] : dnsLabel(name, path);
}

/** One wish, whether it is the only one or one of several. */
function validateExact(request: DeepReadonly<ExactDeviceRequest | DeviceSubRequest>, path: FieldPath): FieldError[] {
  const { deviceClassName, allocationMode, count = 0 } = request;
  const errors = isUnset(deviceClassName)
    ? [field.required(path.child('deviceClassName'))]
    : dnsSubdomain(deviceClassName, path.child('deviceClassName'));
  errors.push(...validateSelectors(request.selectors, path.child('selectors')));
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
