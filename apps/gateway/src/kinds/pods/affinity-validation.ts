import {
  type Affinity,
  type NodeSelector,
  type NodeSelectorRequirement,
  type NodeSelectorTerm,
  type PodAffinity,
  type PodAffinityTerm,
} from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  type FieldPath,
  isDns1123Label,
  isValidLabelValue,
  validateLabelName,
  validateLabelSelector,
} from '#machinery';
import { count, dnsSubdomain, each, invalids, isUnset, type List } from '../validation/checks';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

export function validateAffinity(affinity: DeepReadonly<Affinity> | undefined, path: FieldPath): FieldError[] {
  if (affinity === undefined) return [];
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  const errors: FieldError[] = [];
  if (nodeAffinity !== undefined) {
    const place = path.child('nodeAffinity');
    const { [REQUIRED]: required, [PREFERRED]: preferred } = nodeAffinity;
    if (required !== undefined) errors.push(...validateNodeSelector(required, place.child(REQUIRED)));
    errors.push(
      ...each(preferred, place.child(PREFERRED), ({ weight, preference }, term) => [
        ...validateWeight(weight, term),
        ...validateNodeTerm(preference, term.child('preference')),
      ]),
    );
  }
  if (podAffinity !== undefined) errors.push(...validatePodAffinity(podAffinity, path.child('podAffinity')));
  if (podAntiAffinity !== undefined)
    errors.push(...validatePodAffinity(podAntiAffinity, path.child('podAntiAffinity')));
  return errors;
}

function validateWeight(weight: number, path: FieldPath): FieldError[] {
  return weight >= 1 && weight <= 100
    ? []
    : [field.invalid(path.child('weight'), weight, 'must be in the range 1-100')];
}

/** `ValidateNodeSelector`, also of persistent volumes and resource slices. */
export function validateNodeSelector(selector: DeepReadonly<NodeSelector>, path: FieldPath): FieldError[] {
  const terms = path.child('nodeSelectorTerms');
  if (count(selector.nodeSelectorTerms) === 0) {
    return [field.required(terms, 'must have at least one node selector term')];
  }
  return each(selector.nodeSelectorTerms, terms, validateNodeTerm);
}

function validateNodeTerm(term: DeepReadonly<NodeSelectorTerm> | undefined, path: FieldPath): FieldError[] {
  return [
    ...each(term?.matchExpressions, path.child('matchExpressions'), validateExpression),
    ...each(term?.matchFields, path.child('matchFields'), validateFieldRequirement),
  ];
}

function validateExpression(
  { key = '', operator, values }: DeepReadonly<NodeSelectorRequirement>,
  path: FieldPath,
): FieldError[] {
  return [
    ...validateOperator(operator, count(values), path),
    ...validateLabelName(key, path.child('key')),
    ...each(values, path.child('values'), (value, place) => invalids(isValidLabelValue(value), place, value)),
  ];
}

function validateOperator(operator: string, values: number, path: FieldPath): FieldError[] {
  const place = path.child('values');
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values === 0 ? [field.required(place, "must be specified when `operator` is 'In' or 'NotIn'")] : [];
    case 'Exists':
    case 'DoesNotExist':
      return values > 0
        ? [field.forbidden(place, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
        : [];
    case 'Gt':
    case 'Lt':
      return values === 1
        ? []
        : [field.required(place, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
    default:
      return [field.invalid(path.child('operator'), operator, 'not a valid selector operator')];
  }
}

/** Nodes can be picked by one field only, their name. */
function validateFieldRequirement(
  { key, operator, values }: DeepReadonly<NodeSelectorRequirement>,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn') {
    errors.push(field.invalid(path.child('operator'), operator, 'not a valid selector operator'));
  } else if (count(values) !== 1) {
    const text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    errors.push(field.required(path.child('values'), text));
  }
  if (key !== 'metadata.name') {
    return [...errors, field.invalid(path.child('key'), key, 'not a valid field selector key')];
  }
  return [...errors, ...each(values, path.child('values'), dnsSubdomain)];
}

function validatePodAffinity(affinity: DeepReadonly<PodAffinity>, path: FieldPath): FieldError[] {
  return [
    ...each(affinity[REQUIRED], path.child(REQUIRED), validatePodTerm),
    ...each(affinity[PREFERRED], path.child(PREFERRED), ({ weight, podAffinityTerm }, place) => [
      ...validateWeight(weight, place),
      ...validatePodTerm(podAffinityTerm, place.child('podAffinityTerm')),
    ]),
  ];
}

function validatePodTerm(term: DeepReadonly<PodAffinityTerm>, path: FieldPath): FieldError[] {
  const { topologyKey = '' } = term;
  return [
    ...validateLabelSelector(term.labelSelector, path.child('labelSelector')),
    ...validateLabelKeys(term.matchLabelKeys, term, path.child('matchLabelKeys')),
    ...validateLabelKeys(term.mismatchLabelKeys, term, path.child('mismatchLabelKeys')),
    ...(term.mismatchLabelKeys ?? []).flatMap((key, index) =>
      (term.matchLabelKeys ?? []).includes(key)
        ? [
            field.invalid(
              path.child('matchLabelKeys').index(index),
              key,
              'exists in both matchLabelKeys and mismatchLabelKeys',
            ),
          ]
        : [],
    ),
    ...(term.namespaces ?? []).flatMap((name) => invalids(isDns1123Label(name), path.child('namespace'), name)),
    ...validateLabelSelector(term.namespaceSelector, path.child('namespaceSelector')),
    ...(isUnset(topologyKey) ? [field.required(path.child('topologyKey'), 'can not be empty')] : []),
    ...validateLabelName(topologyKey, path.child('topologyKey')),
  ];
}

function validateLabelKeys(
  keys: List<string>,
  { labelSelector }: DeepReadonly<PodAffinityTerm>,
  path: FieldPath,
): FieldError[] {
  if (count(keys) > 0 && labelSelector === undefined) {
    return [field.forbidden(path, 'must not be specified when labelSelector is not set')];
  }
  return each(keys, path, validateLabelName);
}
