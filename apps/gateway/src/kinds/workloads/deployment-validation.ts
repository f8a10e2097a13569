import { type Deployment, type DeploymentSpec, type DeploymentStrategy, type ReplicaSet } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { hostNameWarnings } from '../common/warnings';
import { podTemplateWarnings } from '../pods/pod-warnings';
import { immutable, nonNegative } from '../validation/checks';
import { type Validation } from '../validation/validation';
import { amountOf, atMostAll, validateIntOrPercent } from './int-or-percent-validation';
import {
  newTemplateWarnings,
  type TemplateRules,
  validateSelectedTemplate,
  validateSelector,
} from './template-validation';

const spec = FieldPath.of('spec');
const selector = spec.child('selector');
const template = spec.child('template');
// Deployments and replica sets were one kind to upstream's validation once, and both still say so.
const rules: TemplateRules = { owner: 'deployment', kind: 'ReplicaSet' };

export const deploymentValidation: Validation<Deployment> = {
  validateCreate: validateDeployment,
  validateUpdate: (deployment, old) => [
    ...validateDeployment(deployment),
    ...immutable(deployment.spec?.selector, old.spec?.selector, selector),
  ],
  warningsOnCreate: ({ metadata, spec: own }) => [
    ...hostNameWarnings(metadata),
    ...podTemplateWarnings(own?.template, template),
  ],
  warningsOnUpdate: (deployment, old) => newTemplateWarnings(deployment.spec?.template, old.spec?.template, template),
};

function validateDeployment({ spec: own }: DeepReadonly<Deployment>): FieldError[] {
  return [
    ...nonNegative(own?.replicas, spec.child('replicas')),
    ...validateSelector(own?.selector, selector, rules),
    ...validateSelectedTemplate(own?.selector, own?.template, spec, rules),
    ...validateStrategy(own?.strategy ?? {}, spec.child('strategy')),
    ...nonNegative(own?.minReadySeconds, spec.child('minReadySeconds')),
    ...nonNegative(own?.revisionHistoryLimit, spec.child('revisionHistoryLimit')),
    ...validateDeadline(own),
  ];
}

function validateStrategy(strategy: DeepReadonly<DeploymentStrategy>, path: FieldPath): FieldError[] {
  const { type = '', rollingUpdate } = strategy;
  const place = path.child('rollingUpdate');
  if (type === 'Recreate') {
    const text = "may not be specified when strategy `type` is 'Recreate'";
    return rollingUpdate === undefined ? [] : [field.forbidden(place, text)];
  }
  if (type !== 'RollingUpdate') return [field.notSupported(path.child('type'), type, ['Recreate', 'RollingUpdate'])];
  if (rollingUpdate === undefined) return [field.required(place, 'this should be defaulted and never be nil')];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const unavailable = place.child('maxUnavailable');
  const errors = [
    ...validateIntOrPercent(maxUnavailable, unavailable),
    ...validateIntOrPercent(maxSurge, place.child('maxSurge')),
  ];
  if (amountOf(maxUnavailable) === 0 && amountOf(maxSurge) === 0) {
    errors.push(field.invalid(unavailable, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  }
  return [...errors, ...atMostAll(maxUnavailable, unavailable)];
}

function validateDeadline(own: DeepReadonly<DeploymentSpec> | undefined): FieldError[] {
  const seconds = own?.progressDeadlineSeconds;
  if (seconds === undefined) return [];
  const path = spec.child('progressDeadlineSeconds');
  const errors = nonNegative(seconds, path);
  if (seconds > (own?.minReadySeconds ?? 0)) return errors;
  return [...errors, field.invalid(path, seconds, 'must be greater than minReadySeconds')];
}

export const replicaSetValidation: Validation<ReplicaSet> = {
  validateCreate: validateReplicaSet,
  validateUpdate: (set, old) => [
    ...validateReplicaSet(set),
    ...immutable(set.spec?.selector, old.spec?.selector, selector),
  ],
  warningsOnCreate: ({ metadata, spec: own }) => [
    ...hostNameWarnings(metadata),
    ...podTemplateWarnings(own?.template, template),
  ],
  warningsOnUpdate: (set, old) => newTemplateWarnings(set.spec?.template, old.spec?.template, template),
};

function validateReplicaSet({ spec: own }: DeepReadonly<ReplicaSet>): FieldError[] {
  return [
    ...nonNegative(own?.replicas, spec.child('replicas')),
    ...nonNegative(own?.minReadySeconds, spec.child('minReadySeconds')),
    ...validateSelector(own?.selector, selector, rules),
    ...validateSelectedTemplate(own?.selector, own?.template, spec, rules),
  ];
}
