import { type PodDisruptionBudget } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath, validateLabelSelector } from '#machinery';
import { optionalOneOf } from '../validation/checks';
import { type Validation } from '../validation/validation';
import { atMostAll, validateIntOrPercent } from '../workloads/int-or-percent-validation';

const spec = FieldPath.of('spec');

export const podDisruptionBudgetValidation: Validation<PodDisruptionBudget> = {
  validateCreate: validateBudget,
  validateUpdate: validateBudget,
};

function validateBudget({ spec: own = {} }: DeepReadonly<PodDisruptionBudget>): FieldError[] {
  const { minAvailable, maxUnavailable } = own;
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.push(field.invalid(spec, own, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const name of ['minAvailable', 'maxUnavailable'] as const) {
    errors.push(...validateIntOrPercent(own[name], spec.child(name)), ...atMostAll(own[name], spec.child(name)));
  }
  const policies = ['AlwaysAllow', 'IfHealthyBudget'];
  return [
    ...errors,
    ...validateLabelSelector(own.selector, spec.child('selector')),
    ...optionalOneOf(own.unhealthyPodEvictionPolicy, policies, spec.child('unhealthyPodEvictionPolicy')),
  ];
}
