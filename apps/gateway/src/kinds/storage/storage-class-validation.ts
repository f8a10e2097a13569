import {
  type CSIDriver,
  type CSIStorageCapacity,
  type StorageClass,
  type TopologySelectorTerm,
  type VolumeAttachment,
  type VolumeAttributesClass,
} from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  FieldPath,
  validateLabelName,
  validateLabelSelector,
} from '#machinery';
import { validateDriverName } from '../pods/volume-parts-validation';
import {
  dnsSubdomain,
  each,
  immutable,
  isUnset,
  nonNegativeQuantity,
  oneOf,
  optionalOneOf,
  qualifiedName,
  sameValue,
} from '../validation/checks';
import { goStruct } from '../validation/go-struct';
import { type Validation } from '../validation/validation';

const at = (name: string): FieldPath => FieldPath.of(name);
const spec = FieldPath.of('spec');
const MAXIMUM_PARAMETERS = 512;
const MAXIMUM_PARAMETER_BYTES = 256 * 1024;

type Parameters = Readonly<Record<string, string>> | undefined;

function validateParameters(parameters: Parameters, path: FieldPath): FieldError[] {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > MAXIMUM_PARAMETERS) {
    return [field.tooLong(at('Provisioner Parameters Length'), MAXIMUM_PARAMETERS)];
  }
  const errors = entries
    .filter(([name]) => name === '')
    .map(([name]) => field.invalid(path, name, 'field can not be empty.'));
  const bytes = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return bytes > MAXIMUM_PARAMETER_BYTES ? [...errors, field.tooLong(path, MAXIMUM_PARAMETER_BYTES)] : errors;
}

export const storageClassValidation: Validation<StorageClass> = {
  validateCreate: validateStorageClass,
  validateUpdate: (object, old) => [
    ...validateStorageClass(object),
    ...immutable(object.parameters, old.parameters, at('parameters')),
    ...immutable(object.provisioner, old.provisioner, at('provisioner')),
    ...immutable(object.reclaimPolicy, old.reclaimPolicy, at('reclaimPolicy')),
    ...immutable(object.volumeBindingMode, old.volumeBindingMode, at('volumeBindingMode')),
  ],
};

function validateStorageClass(object: DeepReadonly<StorageClass>): FieldError[] {
  const { provisioner, reclaimPolicy, volumeBindingMode } = object;
  const modes = ['Immediate', 'WaitForFirstConsumer'];
  return [
    ...(isUnset(provisioner)
      ? [field.required(at('provisioner'))]
      : // As labels are named, in any case: `example.com/driver`.
        qualifiedName(provisioner.toLowerCase(), at('provisioner'))),
    ...validateParameters(object.parameters, at('parameters')),
    ...optionalOneOf(reclaimPolicy, ['Delete', 'Retain'], at('reclaimPolicy')),
    ...(volumeBindingMode === undefined
      ? [field.required(at('volumeBindingMode'))]
      : optionalOneOf(volumeBindingMode, modes, at('volumeBindingMode'))),
    ...each(object.allowedTopologies, at('allowedTopologies'), validateTopology),
  ];
}

function validateTopology(term: DeepReadonly<TopologySelectorTerm>, path: FieldPath): FieldError[] {
  const place = path.child('matchLabelExpressions');
  if (isUnset(term.matchLabelExpressions)) return [field.required(place)];
  const keys = new Set<string>();
  return each(term.matchLabelExpressions, place, ({ key, values }, item) => {
    const seen = new Set<string>();
    const errors = isUnset(values) ? [field.required(item.child('values'))] : [];
    errors.push(
      ...each(values, item.child('values'), (value, one) => {
        const duplicates = seen.has(value) ? [field.duplicate(one, value)] : [];
        seen.add(value);
        return duplicates;
      }),
      ...validateLabelName(key, item.child('key')),
    );
    if (keys.has(key)) errors.push(field.duplicate(item.child('key'), key));
    keys.add(key);
    return errors;
  });
}

export const volumeAttributesClassValidation: Validation<VolumeAttributesClass> = {
  validateCreate: ({ driverName, parameters }) => [
    ...(isUnset(driverName) ? [field.required(at('driverName'))] : validateDriverName(driverName, at('driverName'))),
    ...(isUnset(Object.keys(parameters ?? {}))
      ? [field.required(at('parameters'), 'must contain at least one key/value pair')]
      : validateParameters(parameters, at('parameters'))),
  ],
  validateUpdate: (object, old) => [
    ...immutable(object.driverName, old.driverName, at('driverName')),
    ...(sameValue(object.parameters, old.parameters)
      ? []
      : [field.forbidden(at('parameters'), 'updates to parameters are forbidden.')]),
  ],
};

export const volumeAttachmentValidation: Validation<VolumeAttachment> = {
  validateCreate: validateVolumeAttachment,
  validateUpdate: (object, old) => [
    ...validateVolumeAttachment(object),
    ...(sameValue(object.spec, old.spec)
      ? []
      : [field.invalid(spec, goStruct(object.spec, 'VolumeAttachmentSpec'), 'field is immutable')]),
  ],
};

function validateVolumeAttachment({ spec: own }: DeepReadonly<VolumeAttachment>): FieldError[] {
  const { persistentVolumeName, inlineVolumeSpec } = own.source;
  const source = spec.child('source');
  const errors = validateDriverName(own.attacher, spec.child('attacher'));
  if (persistentVolumeName === undefined && inlineVolumeSpec === undefined) {
    const text = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
    errors.push(field.required(source, text));
  } else if (persistentVolumeName !== undefined && inlineVolumeSpec !== undefined) {
    const text = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
    errors.push(field.forbidden(source, text));
  } else if (persistentVolumeName === '') {
    errors.push(field.required(source.child('persistentVolumeName'), 'must specify non empty persistentVolumeName'));
  }
  return [...errors, ...dnsSubdomain(own.nodeName, spec.child('nodeName'))];
}

export const csiDriverValidation: Validation<CSIDriver> = {
  validateCreate: validateCsiDriver,
  validateUpdate: (object, old) => [
    ...validateCsiDriver(object),
    // The first name is upstream's slip of the pen.
    ...immutable(object.spec.attachRequired, old.spec.attachRequired, spec.child('attachedRequired')),
    ...immutable(object.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, spec.child('volumeLifecycleModes')),
  ],
  warningsOnCreate: driverWarnings,
};

function driverWarnings({ spec: own }: DeepReadonly<CSIDriver>): string[] {
  if (isUnset(own.tokenRequests) || own.serviceAccountTokenInSecrets !== undefined) return [];
  return [
    'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes',
  ];
}

function validateCsiDriver({ spec: own }: DeepReadonly<CSIDriver>): FieldError[] {
  const errors: FieldError[] = [];
  const modes = spec.child('volumeLifecycleModes');
  for (const mode of own.volumeLifecycleModes ?? []) errors.push(...oneOf(mode, ['Persistent', 'Ephemeral'], modes));
  const audiences = new Set<string>();
  (own.tokenRequests ?? []).forEach(({ audience = '', expirationSeconds }, index) => {
    const path = spec.child('tokenRequests').index(index);
    if (audiences.has(audience)) {
      errors.push(field.duplicate(path.child('audience'), audience));
      return;
    }
    audiences.add(audience);
    if (expirationSeconds === undefined) return;
    if (expirationSeconds < 600) {
      const text = 'may not specify a duration less than 10 minutes';
      errors.push(field.invalid(path.child('expirationSeconds'), expirationSeconds, text));
    }
    if (expirationSeconds > 2 ** 32) {
      const text = 'may not specify a duration larger than 2^32 seconds';
      errors.push(field.invalid(path.child('expirationSeconds'), expirationSeconds, text));
    }
  });
  const period = own.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < 10) {
    const text = 'must be greater than or equal to 10 seconds';
    errors.push(field.invalid(spec.child('nodeAllocatableUpdatePeriodSeconds'), period, text));
  }
  const policies = ['File', 'None', 'ReadWriteOnceWithFSType'];
  return [...errors, ...optionalOneOf(own.fsGroupPolicy, policies, spec.child('fsGroupPolicy'))];
}

export const csiStorageCapacityValidation: Validation<CSIStorageCapacity> = {
  validateCreate: validateCapacity,
  validateUpdate: (object, old) => [
    ...validateCapacity(object),
    ...immutable(object.nodeTopology, old.nodeTopology, at('nodeTopology')),
    ...immutable(object.storageClassName, old.storageClassName, at('storageClassName')),
  ],
};

function validateCapacity(object: DeepReadonly<CSIStorageCapacity>): FieldError[] {
  return [
    ...dnsSubdomain(object.storageClassName, at('storageClassName')),
    ...(object.capacity === undefined ? [] : nonNegativeQuantity(object.capacity, at('capacity'))),
    ...(object.maximumVolumeSize === undefined
      ? []
      : nonNegativeQuantity(object.maximumVolumeSize, at('maximumVolumeSize'))),
    ...validateLabelSelector(object.nodeTopology, at('nodeTopology')),
  ];
}
