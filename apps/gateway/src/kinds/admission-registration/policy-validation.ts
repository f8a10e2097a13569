import {
  type MatchResources,
  type MutatingAdmissionPolicy,
  type MutatingAdmissionPolicyBinding,
  type ValidatingAdmissionPolicy,
  type ValidatingAdmissionPolicyBinding,
} from '#api';
import { type DeepReadonly, type FieldError, FieldPath, type KubernetesObject } from '#machinery';
import { each, isUnset, oneOf, optionalOneOf, required } from '../validation/checks';
import { type Validation } from '../validation/validation';

const spec = FieldPath.of('spec');
const failurePolicies = ['Fail', 'Ignore'];
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const actions = ['Audit', 'Deny', 'Warn'];

/** What needs no knowledge of expressions: those are not compiled. */
export const validatingPolicyValidation = always<ValidatingAdmissionPolicy>(({ spec: own }) => {
  const { validations, auditAnnotations } = own ?? {};
  const text = 'validations or auditAnnotations must contain at least one item';
  const isEmpty = isUnset(validations) && isUnset(auditAnnotations);
  return [
    ...optionalOneOf(own?.failurePolicy, failurePolicies, spec.child('failurePolicy')),
    ...validateConstraints(own?.matchConstraints),
    ...(isEmpty ? required(undefined, spec.child('validations'), text) : []),
    ...(isEmpty ? required(undefined, spec.child('auditAnnotations'), text) : []),
    ...each(validations, spec.child('validations'), ({ expression, reason }, path) => [
      ...required(expression.trim(), path.child('expression'), 'expression is not specified'),
      ...optionalOneOf(reason, reasons, path.child('reason')),
    ]),
  ];
});

export const mutatingPolicyValidation = always<MutatingAdmissionPolicy>(({ spec: own }) => [
  ...optionalOneOf(own?.failurePolicy, failurePolicies, spec.child('failurePolicy')),
  ...validateConstraints(own?.matchConstraints),
  ...required(own?.mutations, spec.child('mutations'), 'mutations must contain at least one item'),
  ...required(own?.reinvocationPolicy, spec.child('reinvocationPolicy')),
]);

export const validatingBindingValidation = always<ValidatingAdmissionPolicyBinding>(({ spec: own }) => [
  ...required(own?.policyName, spec.child('policyName')),
  ...required(own?.validationActions, spec.child('validationActions'), 'at least one validation action is required'),
  ...each(own?.validationActions, spec.child('validationActions'), (action, path) => oneOf(action, actions, path)),
]);

export const mutatingBindingValidation = always<MutatingAdmissionPolicyBinding>(({ spec: own }) =>
  required(own?.policyName, spec.child('policyName')),
);

function always<T extends KubernetesObject>(validate: (object: DeepReadonly<T>) => FieldError[]): Validation<T> {
  return { validateCreate: validate, validateUpdate: validate };
}

function validateConstraints(constraints: DeepReadonly<MatchResources> | undefined): FieldError[] {
  const path = spec.child('matchConstraints');
  return constraints === undefined
    ? required(undefined, path)
    : required(constraints.resourceRules, path.child('resourceRules'));
}
