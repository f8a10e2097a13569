import { created, defaulted, row } from '../common/strategy.fixture';
import { roleBindings, roles } from './rbac';

const group = 'rbac.authorization.k8s.io';

describe('role bindings', () => {
  const binding = defaulted(roleBindings, {
    roleRef: { kind: 'ClusterRole', name: 'view' },
    subjects: [
      { kind: 'User', name: 'jane' },
      { kind: 'Group', name: 'devs' },
      { kind: 'ServiceAccount', name: 'a', namespace: 'n' },
    ],
  });

  it('mean the one group of roles, users and groups', () => {
    expect(binding.roleRef.apiGroup).toBe(group);
    expect(binding.subjects?.map(({ apiGroup }) => apiGroup)).toEqual([group, group, undefined]);
  });

  it('show who gets what', () => {
    expect(row(roleBindings, binding)).toMatchObject({
      Role: 'ClusterRole/view',
      Users: 'jane',
      Groups: 'devs',
      ServiceAccounts: 'n/a',
    });
  });
});

describe('roles', () => {
  it('may be called what a path can hold', () => {
    expect(roles.nameRule?.('system:node', false)).toEqual([]);
    expect(roles.nameRule?.('a/b', false)).toHaveLength(1);
  });

  it('without rules hold null', () => {
    expect(created(roles, { rules: [] }).rules).toBeNull();
  });
});
