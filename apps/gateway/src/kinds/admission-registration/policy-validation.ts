import {
  type MatchResources,
  type MutatingAdmissionPolicy,
  type MutatingAdmissionPolicyBinding,
  type ParamRef,
  type ValidatingAdmissionPolicy,
  type ValidatingAdmissionPolicyBinding,
} from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  FieldPath,
  isPathSegmentName,
  type KubernetesObject,
  validateLabelSelector,
} from '#machinery';
import {
  dnsSubdomain,
  each,
  invalids,
  isUnset,
  type List,
  oneOf,
  optionalOneOf,
  required,
  requiredOneOf,
} from '../validation/checks';
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
  ...validatePolicyName(own?.policyName),
  ...validateParamRef(own?.paramRef),
  ...validateActions(own?.validationActions, spec.child('validationActions')),
]);

export const mutatingBindingValidation = always<MutatingAdmissionPolicyBinding>(({ spec: own }) => [
  ...validatePolicyName(own?.policyName),
  ...validateParamRef(own?.paramRef),
]);

function validatePolicyName(name = ''): FieldError[] {
  const path = spec.child('policyName');
  return name === '' ? required(name, path) : dnsSubdomain(name, path);
}

function validateActions(list: List<string>, path: FieldPath): FieldError[] {
  const seen = new Set<string>();
  const errors = each(list, path, (action, place) => {
    const problems = oneOf(action, actions, place);
    if (seen.has(action)) problems.push(field.duplicate(place, action));
    seen.add(action);
    return problems;
  });
  if (seen.has('Deny') && seen.has('Warn')) {
    const text =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    errors.push(field.invalid(path, list, text));
  }
  return [...errors, ...required(list, path, 'at least one validation action is required')];
}

/** Which objects parametrise a policy: one by its name, or those that a selector finds. */
function validateParamRef(reference: DeepReadonly<ParamRef> | undefined): FieldError[] {
  if (reference === undefined) return [];
  const { name = '', selector, parameterNotFoundAction } = reference;
  const path = spec.child('paramRef');
  const errors: FieldError[] = [];
  if (name !== '') errors.push(...invalids(isPathSegmentName(name), path.child('name'), name));
  if (selector !== undefined) errors.push(...validateLabelSelector(selector, path.child('selector')));
  if (name !== '' && selector !== undefined) {
    const text = 'name and selector are mutually exclusive';
    errors.push(field.forbidden(path.child('name'), text), field.forbidden(path.child('selector'), text));
  }
  if (name === '' && selector === undefined) {
    errors.push(field.required(path, 'one of name or selector must be specified'));
  }
  return [
    ...errors,
    ...requiredOneOf(parameterNotFoundAction, ['Allow', 'Deny'], path.child('parameterNotFoundAction')),
  ];
}

function always<T extends KubernetesObject>(validate: (object: DeepReadonly<T>) => FieldError[]): Validation<T> {
  return { validateCreate: validate, validateUpdate: validate };
}

function validateConstraints(constraints: DeepReadonly<MatchResources> | undefined): FieldError[] {
  const path = spec.child('matchConstraints');
  return constraints === undefined
    ? required(undefined, path)
    : required(constraints.resourceRules, path.child('resourceRules'));
}
