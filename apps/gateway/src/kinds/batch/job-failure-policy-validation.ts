import { type JobSpec, type PodFailurePolicy, type PodFailurePolicyRule } from '#api';
import { type DeepReadonly, field, type FieldError, type FieldPath } from '#machinery';
import { count, each, isUnset, oneOf, qualifiedName } from '../validation/checks';

const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const MAXIMUM_RULES = 20;
const MAXIMUM_EXIT_CODES = 255;

/** What a pod's failure means for its job (KEP-3329). */
export function validateFailurePolicy(
  policy: DeepReadonly<PodFailurePolicy>,
  job: DeepReadonly<JobSpec>,
  path: FieldPath,
): FieldError[] {
  const rules = path.child('rules');
  const pod = job.template.spec;
  const names = new Set([...(pod?.containers ?? []), ...(pod?.initContainers ?? [])].map(({ name }) => name));
  const errors = count(policy.rules) > MAXIMUM_RULES ? [field.tooMany(rules, count(policy.rules), MAXIMUM_RULES)] : [];
  return [
    ...errors,
    ...each(policy.rules, rules, (rule, place) => [
      ...validateRule(rule, names, place),
      ...(rule.action === 'FailIndex' && job.backoffLimitPerIndex === undefined
        ? [field.invalid(place.child('action'), rule.action, 'requires the backoffLimitPerIndex to be set')]
        : []),
    ]),
  ];
}

function validateRule(
  { action, onExitCodes, onPodConditions }: DeepReadonly<PodFailurePolicyRule>,
  containers: ReadonlySet<string>,
  path: FieldPath,
): FieldError[] {
  const errors = isUnset(action)
    ? [field.required(path.child('action'), 'valid values: "Count", "FailIndex", "FailJob", "Ignore"')]
    : oneOf(action, actions, path.child('action'));
  if (onExitCodes !== undefined) {
    const place = path.child('onExitCodes');
    const { containerName, operator, values } = onExitCodes;
    errors.push(...oneOf(operator, ['In', 'NotIn'], place.child('operator')));
    if (containerName !== undefined && !containers.has(containerName)) {
      const text = 'must be one of the container or initContainer names in the pod template';
      errors.push(field.invalid(place.child('containerName'), containerName, text));
    }
    const valuesPath = place.child('values');
    if (count(values) === 0) errors.push(field.invalid(valuesPath, values, 'at least one value is required'));
    if (count(values) > MAXIMUM_EXIT_CODES) errors.push(field.tooMany(valuesPath, count(values), MAXIMUM_EXIT_CODES));
    errors.push(
      ...each(values, valuesPath, (value, item, index) => [
        ...(operator === 'In' && value === 0 ? [field.invalid(item, value, 'must not be 0 for the In operator')] : []),
        ...(values.indexOf(value) < index ? [field.duplicate(item, value)] : []),
      ]),
    );
    const sorted = [...(values ?? [])].sort((a, b) => a - b);
    if (sorted.some((value, index) => value !== values[index])) {
      errors.push(field.invalid(valuesPath, values, 'must be ordered'));
    }
  }
  errors.push(
    ...each(onPodConditions, path.child('onPodConditions'), ({ type, status }, place) => [
      ...qualifiedName(type, place.child('type')),
      ...oneOf(status, ['False', 'True', 'Unknown'], place.child('status')),
    ]),
  );
  if (onExitCodes !== undefined && !isUnset(onPodConditions)) {
    errors.push(field.invalid(path, '', 'specifying both OnExitCodes and OnPodConditions is not supported'));
  }
  if (onExitCodes === undefined && isUnset(onPodConditions)) {
    errors.push(field.invalid(path, '', 'specifying one of OnExitCodes and OnPodConditions is required'));
  }
  return errors;
}
