import {
  type ClusterRole,
  type ClusterRoleBinding,
  type RbacSubject,
  type Resource,
  type Role,
  type RoleBinding,
  resources,
} from '#api';
import { type DeepReadonly, isPathSegmentName } from '#machinery';
import { emptyIsNull } from '../common/lists';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { type NameRule, type ResourceStrategy, type TableDefinition } from '../strategy';
import { roleValidation } from './rbac-validation';
import { clusterRoleValidation } from './rbac-validation';
import { roleBindingValidation } from './rbac-validation';
import { clusterRoleBindingValidation } from './rbac-validation';

const GROUP = 'rbac.authorization.k8s.io';

type Binding = RoleBinding | ClusterRoleBinding;

/** Names like `system:node` are welcome. */
const nameRule: NameRule = (name) => isPathSegmentName(name);

function setBindingDefaults({ roleRef, subjects = [] }: Binding): void {
  roleRef.apiGroup ||= GROUP;
  for (const subject of subjects) if (subject.kind !== 'ServiceAccount') subject.apiGroup ||= GROUP;
}

function namesOf({ subjects = [] }: DeepReadonly<Binding>, kind: RbacSubject['kind']): string {
  return subjects
    .filter((subject) => subject.kind === kind)
    .map(({ namespace, name }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
    .join(', ');
}

function bindingTable<T extends Binding>(resource: Resource<T>): TableDefinition<T> {
  const label = `${resource.kind.charAt(0).toLowerCase()}${resource.kind.slice(1)}`;
  return tableOf<T>(resource, [
    nameColumn,
    { name: 'Role', about: '.roleRef', cell: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}` },
    ageColumn,
    { name: 'Users', wide: true, about: `Users in the ${label}`, cell: (binding) => namesOf(binding, 'User') },
    {
      name: 'Groups',
      wide: true,
      about: `Groups in the ${label}`,
      cell: (binding) => namesOf(binding, 'Group'),
    },
    {
      name: 'ServiceAccounts',
      wide: true,
      about: `ServiceAccounts in the ${label}`,
      cell: (binding) => namesOf(binding, 'ServiceAccount'),
    },
  ]);
}

export const roles: ResourceStrategy<Role> = {
  resource: resources.roles,
  ...roleValidation,
  nameRule,
  prepareForCreate: (role) => emptyIsNull(role, 'rules'),
  prepareForUpdate: (role) => emptyIsNull(role, 'rules'),
  allowCreateOnUpdate: true,
};

export const clusterRoles: ResourceStrategy<ClusterRole> = {
  resource: resources.clusterRoles,
  ...clusterRoleValidation,
  nameRule,
  prepareForCreate: (role) => emptyIsNull(role, 'rules'),
  prepareForUpdate: (role) => emptyIsNull(role, 'rules'),
  allowCreateOnUpdate: true,
};

export const roleBindings: ResourceStrategy<RoleBinding> = {
  resource: resources.roleBindings,
  ...roleBindingValidation,
  nameRule,
  setDefaults: setBindingDefaults,
  allowCreateOnUpdate: true,
  table: bindingTable(resources.roleBindings),
};

export const clusterRoleBindings: ResourceStrategy<ClusterRoleBinding> = {
  resource: resources.clusterRoleBindings,
  ...clusterRoleBindingValidation,
  nameRule,
  setDefaults: setBindingDefaults,
  allowCreateOnUpdate: true,
  table: bindingTable(resources.clusterRoleBindings),
};
