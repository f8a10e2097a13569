import { type CounterSet, type Device, type DeviceAttribute, type ResourceSlice, type ResourceSliceSpec } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { validateNodeSelector } from '../pods/affinity-validation';
import { validateDriverName } from '../pods/volume-parts-validation';
import { dnsLabel, dnsSubdomain, immutable, isUnset } from '../validation/checks';
import { type Validation } from '../validation/validation';
import { limitedSet, validateQualified } from './device-checks';

const spec = FieldPath.of('spec');
const pool = spec.child('pool');
const MAXIMUM_DEVICES = 128;
/** With taints or counters, each of which makes a device larger. */
const MAXIMUM_ADVANCED_DEVICES = 64;
const MAXIMUM_COUNTER_SETS = 8;
const MAXIMUM_VALUES = 32;
const MAXIMUM_VALUE_BYTES = 64;
const MAXIMUM_POOL_NAME_BYTES = 253;

type Spec = DeepReadonly<ResourceSliceSpec>;

export const resourceSliceValidation: Validation<ResourceSlice> = {
  validateCreate: ({ spec: own }) => validateSlice(own),
  validateUpdate: ({ spec: own }, old) => [
    ...validateSlice(own),
    ...immutable(own.pool.name, old.spec.pool.name, pool.child('name')),
    ...immutable(own.driver, old.spec.driver, spec.child('driver')),
    ...immutable(own.nodeName, old.spec.nodeName, spec.child('nodeName')),
  ],
};

function validateSlice(own: Spec): FieldError[] {
  const { devices, sharedCounters } = own;
  const errors = [...validateDriverName(own.driver, spec.child('driver')), ...validatePool(own), ...validateNodes(own)];
  if (sharedCounters !== undefined && devices !== undefined) {
    errors.push(field.invalid(spec, '', 'only one of `sharedCounters` or `devices` is allowed'));
  }
  const isAdvanced = (devices ?? []).some(
    ({ taints, consumesCounters }) => !isUnset(taints) || !isUnset(consumesCounters),
  );
  const maximum = isAdvanced ? MAXIMUM_ADVANCED_DEVICES : MAXIMUM_DEVICES;
  return [
    ...errors,
    ...limitedSet(
      devices,
      maximum,
      spec.child('devices'),
      ({ name }) => name,
      (device, path) => validateDevice(device, own.perDeviceNodeSelection === true, path),
    ),
    ...limitedSet(
      sharedCounters,
      MAXIMUM_COUNTER_SETS,
      spec.child('sharedCounters'),
      ({ name }) => name,
      validateCounterSet,
    ),
  ];
}

function validatePool({ pool: { name, resourceSliceCount, generation } }: Spec): FieldError[] {
  const errors: FieldError[] = [];
  if (isUnset(name)) errors.push(field.required(pool.child('name')));
  else {
    if (Buffer.byteLength(name) > MAXIMUM_POOL_NAME_BYTES) {
      errors.push(field.tooLong(pool.child('name'), MAXIMUM_POOL_NAME_BYTES));
    }
    for (const part of name.split('/')) errors.push(...dnsSubdomain(part, pool.child('name')));
  }
  if (resourceSliceCount <= 0) {
    errors.push(field.invalid(pool.child('resourceSliceCount'), resourceSliceCount, 'must be greater than zero'));
  }
  if (generation < 0) {
    errors.push(field.invalid(pool.child('generation'), generation, 'must be greater than or equal to zero'));
  }
  return errors;
}

interface Place {
  readonly nodeName?: string;
  readonly nodeSelector?: Spec['nodeSelector'];
  readonly allNodes?: boolean;
}

/** Which of the ways to name nodes are used, and what is wrong with each. */
function validatePlace(own: Place, path: FieldPath, emptyText: string): { used: string[]; errors: FieldError[] } {
  const used: string[] = [];
  const errors: FieldError[] = [];
  if (own.nodeName !== undefined) {
    const place = path.child('nodeName');
    if (own.nodeName === '') errors.push(field.invalid(place, '', emptyText));
    else {
      used.push('`nodeName`');
      errors.push(...dnsSubdomain(own.nodeName, place));
    }
  }
  if (own.nodeSelector !== undefined) {
    used.push('`nodeSelector`');
    errors.push(...validateNodeSelector(own.nodeSelector, path.child('nodeSelector')));
  }
  errors.push(...trueOrUnset(own.allNodes, path.child('allNodes')));
  if (own.allNodes === true) used.push('`allNodes`');
  return { used, errors };
}

function trueOrUnset(value: boolean | undefined, path: FieldPath): FieldError[] {
  return value === false ? [field.invalid(path, value, 'must be either unset or set to true')] : [];
}

function validateNodes(own: Spec): FieldError[] {
  const { used, errors } = validatePlace(own, spec, 'must be either unset or set to a non-empty string');
  const terms = own.nodeSelector?.nodeSelectorTerms;
  if (terms !== undefined && terms.length !== 1) {
    const path = spec.child('nodeSelector', 'nodeSelectorTerms');
    errors.push(field.invalid(path, terms, 'must have exactly one node selector term'));
  }
  errors.push(...trueOrUnset(own.perDeviceNodeSelection, spec.child('perDeviceNodeSelection')));
  if (own.perDeviceNodeSelection === true) used.push('`perDeviceNodeSelection`');
  const text = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  if (used.length === 0) errors.push(field.required(spec, text));
  if (used.length > 1) errors.push(field.invalid(spec, `{${used.join(', ')}}`, `${text}, but multiple fields are set`));
  return errors;
}

function validateDevice(device: DeepReadonly<Device>, hasOwnNodes: boolean, path: FieldPath): FieldError[] {
  const { name, attributes = {}, capacity = {} } = device;
  const errors = dnsLabel(name, path.child('name'));
  const values = Object.keys(attributes).length + Object.keys(capacity).length;
  if (values > MAXIMUM_VALUES) {
    const text = `the total number of attributes and capacities must not exceed ${MAXIMUM_VALUES}`;
    errors.push(field.invalid(path, values, text));
  }
  for (const [key, attribute] of Object.entries(attributes)) {
    errors.push(...validateQualified(key, path.child('attributes')));
    errors.push(...validateAttribute(attribute, path.child('attributes').key(key)));
  }
  for (const [key, { requestPolicy }] of Object.entries(capacity)) {
    errors.push(...validateQualified(key, path.child('capacity')));
    if (requestPolicy !== undefined && device.allowMultipleAllocations !== true) {
      const place = path.child('capacity').key(key).child('requestPolicy');
      errors.push(field.forbidden(place, 'allowMultipleAllocations must be true'));
    }
  }
  return [...errors, ...validateDeviceNodes(device, hasOwnNodes, path)];
}

function validateDeviceNodes(device: DeepReadonly<Device>, hasOwnNodes: boolean, path: FieldPath): FieldError[] {
  const { nodeName, nodeSelector, allNodes } = device;
  if (!hasOwnNodes) {
    if (nodeName === undefined && nodeSelector === undefined && allNodes === undefined) return [];
    const text =
      '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
    return [field.invalid(path, undefined, text)];
  }
  const { used, errors } = validatePlace(device, path, 'must not be empty');
  const text =
    'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
  if (used.length === 0) errors.push(field.required(path, text));
  if (used.length > 1) errors.push(field.invalid(path, `{${used.join(', ')}}`, text));
  return errors;
}

const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;

function validateAttribute(attribute: DeepReadonly<DeviceAttribute>, path: FieldPath): FieldError[] {
  const { string, version } = attribute;
  const set = Object.values(attribute).filter((value) => value !== undefined);
  const errors: FieldError[] = [];
  for (const [name, value] of Object.entries({ string, version })) {
    if (value !== undefined && Buffer.byteLength(value) > MAXIMUM_VALUE_BYTES) {
      errors.push(field.tooLong(path.child(name), MAXIMUM_VALUE_BYTES));
    }
  }
  if (version !== undefined && !semver.test(version)) {
    const text = 'must be a string compatible with semver.org spec 2.0.0';
    errors.push(field.invalid(path.child('version'), version, text));
  }
  if (set.length === 0) errors.push(field.invalid(path, '', 'exactly one value must be specified'));
  if (set.length > 1) errors.push(field.invalid(path, attribute, 'exactly one value must be specified'));
  return errors;
}

function validateCounterSet({ name, counters }: DeepReadonly<CounterSet>, path: FieldPath): FieldError[] {
  const names = Object.keys(counters);
  return [
    ...(isUnset(name) ? [field.required(path.child('name'))] : dnsLabel(name, path.child('name'))),
    ...(names.length === 0 ? [field.required(path.child('counters'))] : []),
    ...names.flatMap((counter) => dnsLabel(counter, path.child('counters'))),
  ];
}
