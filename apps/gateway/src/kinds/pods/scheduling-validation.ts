import { type PodReadinessGate, type PodSchedulingGate, type Toleration, type TopologySpreadConstraint } from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  type FieldPath,
  isValidLabelValue,
  validateLabelName,
  validateLabelSelector,
} from '#machinery';
import { count, each, isUnset, type List, oneOf, optionalOneOf, positive, qualifiedName } from '../validation/checks';

/** `ValidateTolerations`, also of runtime classes. */
export function validateTolerations(tolerations: List<DeepReadonly<Toleration>>, path: FieldPath): FieldError[] {
  return each(tolerations, path, validateToleration);
}

function validateToleration(toleration: DeepReadonly<Toleration>, path: FieldPath): FieldError[] {
  const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration;
  const errors = key === '' ? [] : validateLabelName(key, path.child('key'));
  if (key === '' && operator !== 'Exists') {
    const text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    errors.push(field.invalid(path.child('operator'), operator, text));
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    const text = "effect must be 'NoExecute' when `tolerationSeconds` is set";
    errors.push(field.invalid(path.child('effect'), effect, text));
  }
  errors.push(...validateOperator(operator, value, path.child('operator')));
  if (effect !== '') {
    errors.push(...oneOf(effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute'], path.child('effect')));
  }
  return errors;
}

function validateOperator(operator: string, value: string, path: FieldPath): FieldError[] {
  switch (operator) {
    case '':
    case 'Equal': {
      const messages = isValidLabelValue(value);
      return messages.length === 0 ? [] : [field.invalid(path, value, messages.join(';'))];
    }
    case 'Exists':
      return value === '' ? [] : [field.invalid(path, value, "value must be empty when `operator` is 'Exists'")];
    default:
      return [field.notSupported(path, operator, ['Equal', 'Exists'])];
  }
}

export function validateSpread(
  constraints: List<DeepReadonly<TopologySpreadConstraint>>,
  path: FieldPath,
): FieldError[] {
  return each(constraints, path, (constraint, place, index) => {
    const { topologyKey = '', whenUnsatisfiable, minDomains } = constraint;
    const errors = positive(constraint.maxSkew, place.child('maxSkew'));
    if (isUnset(topologyKey)) errors.push(field.required(place.child('topologyKey'), 'can not be empty'));
    else errors.push(...validateLabelName(topologyKey, place.child('topologyKey')));
    errors.push(...oneOf(whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway'], place.child('whenUnsatisfiable')));
    const again = (constraints ?? [])
      .slice(index + 1)
      .some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable);
    if (again) {
      const both = place.child('{topologyKey, whenUnsatisfiable}');
      errors.push(field.duplicate(both, `{${topologyKey}, ${whenUnsatisfiable}}`));
    }
    errors.push(...positive(minDomains, place.child('minDomains')));
    if (minDomains !== undefined && whenUnsatisfiable !== 'DoNotSchedule') {
      const text = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
      errors.push(field.invalid(place.child('minDomains'), minDomains, text));
    }
    return [...errors, ...validateSelection(constraint, place)];
  });
}

const inclusionPolicies = ['Honor', 'Ignore'];

function validateSelection(constraint: DeepReadonly<TopologySpreadConstraint>, path: FieldPath): FieldError[] {
  const { labelSelector, matchLabelKeys } = constraint;
  const keys = path.child('matchLabelKeys');
  return [
    ...optionalOneOf(constraint.nodeAffinityPolicy, inclusionPolicies, path.child('nodeAffinityPolicy')),
    ...optionalOneOf(constraint.nodeTaintsPolicy, inclusionPolicies, path.child('nodeTaintsPolicy')),
    ...(labelSelector === undefined && count(matchLabelKeys) > 0
      ? [field.forbidden(keys, 'must not be specified when labelSelector is not set')]
      : each(matchLabelKeys, keys, validateLabelName)),
    ...validateLabelSelector(labelSelector, path.child('labelSelector')),
  ];
}

export function validateReadinessGates(gates: List<DeepReadonly<PodReadinessGate>>, path: FieldPath): FieldError[] {
  return each(gates, path, ({ conditionType = '' }, place) =>
    qualifiedName(conditionType, place.child('conditionType')),
  );
}

export function validateSchedulingGates(gates: List<DeepReadonly<PodSchedulingGate>>, path: FieldPath): FieldError[] {
  const names = new Set<string>();
  return each(gates, path, ({ name = '' }, place) => {
    const errors = qualifiedName(name, place);
    if (names.has(name)) errors.push(field.duplicate(place, name));
    names.add(name);
    return errors;
  });
}
