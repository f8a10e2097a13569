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
  return tableOf<T>(resource, [
    nameColumn,
    { name: 'Role', about: '.roleRef', cell: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}` },
    ageColumn,
    { name: 'Users', wide: true, about: 'The users that get the role.', cell: (binding) => namesOf(binding, 'User') },
    {
      name: 'Groups',
      wide: true,
      about: 'The groups that get the role.',
      cell: (binding) => namesOf(binding, 'Group'),
    },
    {
      name: 'ServiceAccounts',
      wide: true,
      about: 'The service accounts that get the role.',
      cell: (binding) => namesOf(binding, 'ServiceAccount'),
    },
  ]);
}

export const roles: ResourceStrategy<Role> = {
  resource: resources.roles,
  nameRule,
  prepareForCreate: (role) => emptyIsNull(role, 'rules'),
  prepareForUpdate: (role) => emptyIsNull(role, 'rules'),
  allowCreateOnUpdate: true,
};

export const clusterRoles: ResourceStrategy<ClusterRole> = {
  resource: resources.clusterRoles,
  nameRule,
  prepareForCreate: (role) => emptyIsNull(role, 'rules'),
  prepareForUpdate: (role) => emptyIsNull(role, 'rules'),
  allowCreateOnUpdate: true,
};

export const roleBindings: ResourceStrategy<RoleBinding> = {
  resource: resources.roleBindings,
  nameRule,
  setDefaults: setBindingDefaults,
  allowCreateOnUpdate: true,
  table: bindingTable(resources.roleBindings),
};

export const clusterRoleBindings: ResourceStrategy<ClusterRoleBinding> = {
  resource: resources.clusterRoleBindings,
  nameRule,
  setDefaults: setBindingDefaults,
  allowCreateOnUpdate: true,
  table: bindingTable(resources.clusterRoleBindings),
};
