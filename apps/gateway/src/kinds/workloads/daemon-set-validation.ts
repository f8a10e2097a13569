import { type DaemonSet, type DaemonSetUpdateStrategy } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
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
const template = spec.child('template');
const rules: TemplateRules = { owner: 'daemonset', kind: 'DaemonSet', isSelectorOptional: true };

export const daemonSetValidation: Validation<DaemonSet> = {
  validateCreate: validateDaemonSet,
  validateUpdate: (set, old) => [
    ...immutable(set.spec?.selector, old.spec?.selector, spec.child('selector')),
    ...validateDaemonSet(set),
  ],
  warningsOnCreate: (set) => podTemplateWarnings(set.spec?.template, template),
  warningsOnUpdate: (set, old) => newTemplateWarnings(set.spec?.template, old.spec?.template, template),
};

function validateDaemonSet({ spec: own }: DeepReadonly<DaemonSet>): FieldError[] {
  return [
    ...validateSelector(own?.selector, spec.child('selector'), rules),
    ...validateSelectedTemplate(own?.selector, own?.template, spec, rules),
    ...nonNegative(own?.minReadySeconds, spec.child('minReadySeconds')),
    ...validateStrategy(own?.updateStrategy ?? {}, spec.child('updateStrategy')),
    ...nonNegative(own?.revisionHistoryLimit, spec.child('revisionHistoryLimit')),
  ];
}

function validateStrategy(strategy: DeepReadonly<DaemonSetUpdateStrategy>, path: FieldPath): FieldError[] {
  const { type = '', rollingUpdate } = strategy;
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate') return [field.notSupported(path, type, ['OnDelete', 'RollingUpdate'])];
  const place = path.child('rollingUpdate');
  if (rollingUpdate === undefined) return [field.required(place)];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const unavailable = place.child('maxUnavailable');
  const surge = place.child('maxSurge');
  const errors = [
    ...validateIntOrPercent(maxUnavailable, unavailable),
    ...validateIntOrPercent(maxSurge, surge),
    ...atMostAll(maxUnavailable, unavailable),
    ...atMostAll(maxSurge, surge),
  ];
  const isUnavailable = amountOf(maxUnavailable) !== 0;
  const isSurging = amountOf(maxSurge) !== 0;
  if (isUnavailable && isSurging) {
    errors.push(field.invalid(surge, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  }
  if (!isUnavailable && !isSurging) errors.push(field.required(unavailable, 'cannot be 0 when maxSurge is 0'));
  return errors;
}
