import { type ResourceQuota, type ResourceQuotaSpec, type ScopedResourceSelectorRequirement } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { count, oneOf, sameValue } from '../validation/checks';
import { resourceName, resourceQuantity } from '../validation/resources';
import { type Validation } from '../validation/validation';

const spec = FieldPath.of('spec');

const podScopes = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
];
const scopes = new Set([...podScopes, 'VolumeAttributesClass']);
const conflicts = [
  ['Terminating', 'NotTerminating'],
  ['BestEffort', 'NotBestEffort'],
] as const;

const computeResources = new Set(
  ['cpu', 'memory', 'ephemeral-storage'].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
);

const countable = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'requests.storage',
  'services.nodeports',
  'services.loadbalancers',
]);

export const resourceQuotaValidation: Validation<ResourceQuota> = {
  validateCreate: validateQuota,
  validateUpdate: (quota, old) => [
    ...validateQuota(quota),
    ...(sameValue([...(quota.spec?.scopes ?? [])].sort(), [...(old.spec?.scopes ?? [])].sort())
      ? []
      : [field.invalid(spec.child('scopes'), quota.spec?.scopes, 'field is immutable')]),
  ],
};

function validateQuota({ spec: own = {} }: DeepReadonly<ResourceQuota>): FieldError[] {
  const errors: FieldError[] = [];
  for (const [name, value] of Object.entries(own.hard ?? {})) {
    const place = spec.child('hard').key(name);
    errors.push(...resourceName(name, place));
    if (!name.includes('/') && !isQuotaResource(name)) {
      errors.push(field.invalid(place, name, 'must be a standard resource for quota'));
    }
    errors.push(...resourceQuantity(name, value, place));
  }
  return [...errors, ...validateScopes(own), ...validateScopeSelector(own)];
}

function isQuotaResource(name: string): boolean {
  return computeResources.has(name) || countable.has(name) || /^(requests\.)?hugepages-/.test(name);
}

function validateScopes(own: DeepReadonly<ResourceQuotaSpec>): FieldError[] {
  const { scopes: list = [] } = own;
  if (list.length === 0) return [];
  return validateScopeSet(list, own, spec.child('scopes'), list);
}

function validateScopeSet(
  list: readonly string[],
  own: DeepReadonly<ResourceQuotaSpec>,
  path: FieldPath,
  shown: unknown,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const scope of list) {
    if (!scopes.has(scope)) errors.push(field.invalid(path, shown, 'unsupported scope'));
    for (const name of Object.keys(own.hard ?? {})) {
      if (isScoped(scope, name)) continue;
      errors.push(field.invalid(path, shown, 'unsupported scope applied to resource'));
    }
  }
  for (const pair of conflicts) {
    if (pair.every((scope) => list.includes(scope))) errors.push(field.invalid(path, shown, 'conflicting scopes'));
  }
  return errors;
}

/** Scopes tell pods apart, so only what pods use can be counted by them; best-effort pods use nothing but themselves. */
function isScoped(scope: string, resource: string): boolean {
  if (scope === 'BestEffort') return resource === 'pods';
  if (!podScopes.includes(scope)) return true;
  return resource === 'pods' || computeResources.has(resource) || !countable.has(resource);
}

function validateScopeSelector(own: DeepReadonly<ResourceQuotaSpec>): FieldError[] {
  if (own.scopeSelector === undefined) return [];
  const path = spec.child('scopeSelector', 'matchExpressions');
  const expressions = own.scopeSelector.matchExpressions ?? [];
  return [
    ...expressions.flatMap((expression) => validateExpression(expression, path)),
    ...validateScopeSet(
      expressions.map(({ scopeName }) => scopeName),
      own,
      path,
      expressions,
    ),
  ];
}

function validateExpression(
  { scopeName, operator, values }: DeepReadonly<ScopedResourceSelectorRequirement>,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const isPriority = scopeName === 'PriorityClass' || scopeName === 'VolumeAttributesClass';
  if (!isPriority && operator !== 'Exists') {
    const text = `must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity`;
    errors.push(field.invalid(path.child('operator'), operator, text));
  }
  if (operator === 'In' || operator === 'NotIn') {
    if (count(values) === 0) {
      const text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      errors.push(field.required(path.child('values'), text));
    }
    return errors;
  }
  if (operator !== 'Exists' && operator !== 'DoesNotExist') {
    return [...errors, ...oneOf(operator, ['DoesNotExist', 'Exists', 'In', 'NotIn'], path.child('operator'))];
  }
  if (count(values) > 0) {
    const text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    errors.push(field.invalid(path.child('values'), values, text));
  }
  return errors;
}
