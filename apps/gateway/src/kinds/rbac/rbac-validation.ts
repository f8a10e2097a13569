import {
  type AggregationRule,
  type ClusterRole,
  type ClusterRoleBinding,
  type PolicyRule,
  type RbacSubject,
  type Role,
  type RoleBinding,
  type RoleRef,
} from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  FieldPath,
  isPathSegmentName,
  validateLabelSelector,
} from '#machinery';
import { dnsSubdomain, each, invalids, isUnset, type List, sameValue } from '../validation/checks';
import { goStruct } from '../validation/go-struct';
import { type Validation } from '../validation/validation';

const rulesPath = FieldPath.of('rules');
const roleRefPath = FieldPath.of('roleRef');
const group = 'rbac.authorization.k8s.io';

export const roleValidation: Validation<Role> = {
  validateCreate: ({ rules }) => validateRules(rules, true),
  validateUpdate: ({ rules }) => validateRules(rules, true),
};

export const clusterRoleValidation: Validation<ClusterRole> = {
  validateCreate: validateClusterRole,
  validateUpdate: validateClusterRole,
};

function validateClusterRole({ rules, aggregationRule }: DeepReadonly<ClusterRole>): FieldError[] {
  const errors = validateRules(rules, false);
  return aggregationRule === undefined ? errors : [...errors, ...validateAggregation(aggregationRule)];
}

function validateAggregation({ clusterRoleSelectors }: DeepReadonly<AggregationRule>): FieldError[] {
  const path = FieldPath.of('aggregationRule', 'clusterRoleSelectors');
  if (isUnset(clusterRoleSelectors)) {
    return [field.required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
  }
  return each(clusterRoleSelectors, path, (selector, place) => {
    const errors = validateLabelSelector(selector, place);
    // Upstream shows what became of the selector: nothing.
    return errors.length === 0 ? [] : [...errors, field.invalid(place, undefined, 'invalid label selector.')];
  });
}

function validateRules(rules: List<DeepReadonly<PolicyRule>>, isNamespaced: boolean): FieldError[] {
  return each(rules, rulesPath, (rule, path) => {
    const errors: FieldError[] = [];
    if (isUnset(rule.verbs)) errors.push(field.required(path.child('verbs'), 'verbs must contain at least one value'));
    if (!isUnset(rule.nonResourceURLs)) {
      const place = path.child('nonResourceURLs');
      if (isNamespaced) {
        errors.push(field.invalid(place, rule.nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
      }
      if (!isUnset(rule.apiGroups) || !isUnset(rule.resources) || !isUnset(rule.resourceNames)) {
        const text = 'rules cannot apply to both regular resources and non-resource URLs';
        errors.push(field.invalid(place, rule.nonResourceURLs, text));
      }
      return errors;
    }
    if (isUnset(rule.apiGroups)) {
      errors.push(field.required(path.child('apiGroups'), 'resource rules must supply at least one api group'));
    }
    if (isUnset(rule.resources)) {
      errors.push(field.required(path.child('resources'), 'resource rules must supply at least one resource'));
    }
    return errors;
  });
}

export const roleBindingValidation: Validation<RoleBinding> = {
  validateCreate: (binding) => validateBinding(binding, ['ClusterRole', 'Role']),
  validateUpdate: (binding, old) => [
    ...validateBinding(binding, ['ClusterRole', 'Role']),
    ...validateSameRole(binding.roleRef, old.roleRef),
  ],
};

export const clusterRoleBindingValidation: Validation<ClusterRoleBinding> = {
  validateCreate: (binding) => validateBinding(binding, ['ClusterRole']),
  validateUpdate: (binding, old) => [
    ...validateBinding(binding, ['ClusterRole']),
    ...validateSameRole(binding.roleRef, old.roleRef),
  ],
};

/** Who may bind subjects to a role need not be allowed to bind them to another. */
function validateSameRole(role: DeepReadonly<RoleRef>, old: DeepReadonly<RoleRef>): FieldError[] {
  return sameValue(role, old) ? [] : [field.invalid(roleRefPath, goStruct(role, 'RoleRef'), 'cannot change roleRef')];
}

type Binding = DeepReadonly<RoleBinding | ClusterRoleBinding>;

function validateBinding({ roleRef, subjects, metadata }: Binding, kinds: readonly string[]): FieldError[] {
  const { apiGroup = '', kind = '', name = '' } = (roleRef as RoleRef | null) ?? {};
  const errors: FieldError[] = [];
  if (apiGroup !== group) errors.push(field.notSupported(roleRefPath.child('apiGroup'), apiGroup, [group]));
  if (!kinds.includes(kind)) errors.push(field.notSupported(roleRefPath.child('kind'), kind, kinds));
  if (name === '') errors.push(field.required(roleRefPath.child('name')));
  else errors.push(...invalids(isPathSegmentName(name), roleRefPath.child('name'), name));
  const isNamespaced = !isUnset(metadata?.namespace);
  return [
    ...errors,
    ...each(subjects, FieldPath.of('subjects'), (item, path) => validateSubject(item, isNamespaced, path)),
  ];
}

function validateSubject(
  { kind, name, namespace, apiGroup = '' }: DeepReadonly<RbacSubject>,
  isNamespaced: boolean,
  path: FieldPath,
): FieldError[] {
  const errors = isUnset(name) ? [field.required(path.child('name'))] : [];
  switch (kind) {
    case 'ServiceAccount':
      if (!isUnset(name)) errors.push(...dnsSubdomain(name, path.child('name')));
      if (apiGroup !== '') errors.push(field.notSupported(path.child('apiGroup'), apiGroup, ['']));
      if (!isNamespaced && isUnset(namespace)) errors.push(field.required(path.child('namespace')));
      return errors;
    case 'User':
    case 'Group':
      if (apiGroup !== group) errors.push(field.notSupported(path.child('apiGroup'), apiGroup, [group]));
      return errors;
    default:
      return [...errors, field.notSupported(path.child('kind'), kind, ['Group', 'ServiceAccount', 'User'])];
  }
}
