import { type FlowSchema } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { each, isUnset } from '../validation/checks';
import { type Validation } from '../validation/validation';
import { validateResourceRule, validateSubject, validateUrlRule } from './policy-rule-validation';

const spec = FieldPath.of('spec');
const MAXIMUM_PRECEDENCE = 10_000;

export const flowSchemaValidation: Validation<FlowSchema> = {
  validateCreate: validateFlowSchema,
  validateUpdate: validateFlowSchema,
};

function validateFlowSchema({ spec: own }: DeepReadonly<FlowSchema>): FieldError[] {
  const { matchingPrecedence = 0, distinguisherMethod: method, priorityLevelConfiguration, rules } = own ?? {};
  const errors: FieldError[] = [];
  const precedence = spec.child('matchingPrecedence');
  if (matchingPrecedence <= 0) {
    errors.push(field.invalid(precedence, matchingPrecedence, 'must be a positive value'));
  }
  if (matchingPrecedence > MAXIMUM_PRECEDENCE) {
    errors.push(field.invalid(precedence, matchingPrecedence, `must not be greater than ${MAXIMUM_PRECEDENCE}`));
  }
  if (method !== undefined && method.type !== 'ByUser' && method.type !== 'ByNamespace') {
    const error = field.notSupported(spec.child('distinguisherMethod', 'type'), method.type, ['ByNamespace', 'ByUser']);
    // Upstream shows the method, not its type.
    errors.push({
      ...error,
      message: error.message.replace(JSON.stringify(method.type), JSON.stringify({ Type: method.type })),
    });
  }
  if (isUnset(priorityLevelConfiguration?.name)) {
    errors.push(field.required(spec.child('priorityLevelConfiguration', 'name'), 'must reference a priority level'));
  }
  return [
    ...errors,
    ...each(rules, spec.child('rules'), ({ subjects, resourceRules, nonResourceRules }, place) => [
      ...(isUnset(subjects)
        ? [field.required(place.child('subjects'), 'subjects must contain at least one value')]
        : each(subjects, place.child('subjects'), validateSubject)),
      ...(isUnset(resourceRules) && isUnset(nonResourceRules)
        ? [field.required(place, 'at least one of resourceRules and nonResourceRules has to be non-empty')]
        : []),
      ...each(resourceRules, place.child('resourceRules'), validateResourceRule),
      ...each(nonResourceRules, place.child('nonResourceRules'), validateUrlRule),
    ]),
  ];
}
