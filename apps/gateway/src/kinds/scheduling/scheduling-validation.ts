import { type Lease, type PriorityClass, type RuntimeClass } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath, validateLabels } from '#machinery';
import { validateTolerations } from '../pods/scheduling-validation';
import { dnsLabel, immutable, oneOf, optionalOneOf } from '../validation/checks';
import { resourceRequirements } from '../validation/resources';
import { nodeLabelWarnings } from '../common/warnings';
import { type Validation } from '../validation/validation';

const MAXIMUM_USER_PRIORITY = 1_000_000_000;
/** Classes of the system are above all that users can have. */
const systemClasses: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

export const priorityClassValidation: Validation<PriorityClass> = {
  validateCreate: validatePriorityClass,
  validateUpdate: (object, old) => [
    ...(object.value === old.value ? [] : [field.forbidden('value', 'may not be changed in an update.')]),
    ...immutable(object.preemptionPolicy, old.preemptionPolicy, FieldPath.of('preemptionPolicy')),
  ],
};

function validatePriorityClass({ metadata, value, preemptionPolicy }: DeepReadonly<PriorityClass>): FieldError[] {
  const name = metadata?.name ?? '';
  const errors: FieldError[] = [];
  if (name.startsWith('system-')) {
    const known = systemClasses[name];
    if (known !== value) {
      const text = "priority class names with 'system-' prefix are reserved for system use only";
      errors.push(field.forbidden('metadata.name', text));
    }
  } else if ((value ?? 0) > MAXIMUM_USER_PRIORITY) {
    const text = `maximum allowed value of a user defined priority is ${MAXIMUM_USER_PRIORITY}`;
    errors.push(field.forbidden('value', text));
  }
  const policies = ['PreemptLowerPriority', 'Never'];
  return [...errors, ...optionalOneOf(preemptionPolicy, policies, FieldPath.of('preemptionPolicy'))];
}

const handler = FieldPath.of('handler');
const scheduling = FieldPath.of('scheduling');

export const runtimeClassValidation: Validation<RuntimeClass> = {
  validateCreate: validateRuntimeClass,
  validateUpdate: (object, old) => immutable(object.handler, old.handler, handler),
  warningsOnCreate: runtimeClassWarnings,
  warningsOnUpdate: runtimeClassWarnings,
};

function runtimeClassWarnings(object: DeepReadonly<RuntimeClass>): string[] {
  const selector = scheduling.child('nodeSelector');
  return Object.keys(object.scheduling?.nodeSelector ?? {}).flatMap((key) => nodeLabelWarnings(key, selector));
}

function validateRuntimeClass(object: DeepReadonly<RuntimeClass>): FieldError[] {
  const errors = object.handler === '' ? [field.required(handler)] : dnsLabel(object.handler, handler);
  if (object.overhead?.podFixed !== undefined) {
    errors.push(...resourceRequirements({ limits: object.overhead.podFixed }, FieldPath.of('overhead')));
  }
  return [
    ...errors,
    ...validateLabels(object.scheduling?.nodeSelector, scheduling.child('nodeSelector')),
    ...validateTolerations(object.scheduling?.tolerations, scheduling.child('tolerations')),
  ];
}

const spec = FieldPath.of('spec');

export const leaseValidation: Validation<Lease> = { validateCreate: validateLease, validateUpdate: validateLease };

function validateLease({ spec: own }: DeepReadonly<Lease>): FieldError[] {
  const errors: FieldError[] = [];
  const { leaseDurationSeconds: seconds, leaseTransitions, strategy, preferredHolder } = own ?? {};
  if (seconds !== undefined && seconds <= 0) {
    errors.push(field.invalid(spec.child('leaseDurationSeconds'), seconds, 'must be greater than 0'));
  }
  if (leaseTransitions !== undefined && leaseTransitions < 0) {
    const text = 'must be greater than or equal to 0';
    errors.push(field.invalid(spec.child('leaseTransitions'), leaseTransitions, text));
  }
  if (strategy !== undefined) errors.push(...oneOf(strategy, ['OldestEmulationVersion'], spec.child('strategy')));
  if (preferredHolder !== undefined && preferredHolder !== '' && strategy === undefined) {
    errors.push(field.forbidden(spec.child('preferredHolder'), 'may only be specified when `strategy` is defined'));
  }
  return errors;
}
