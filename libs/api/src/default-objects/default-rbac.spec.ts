import { type ClusterRole } from '../../index';
import {
  defaultClusterRoleBindings,
  defaultClusterRoles,
  defaultRoleBindings,
  defaultRoles,
  nodeRules,
} from './default-rbac';
import { joinClusterRoleBindings, joinClusterRoles, joinRoleBindings, joinRoles } from './node-join';

const roles = defaultClusterRoles();
const roleNamed = (name: string): ClusterRole => {
  const role = roles.find(({ metadata }) => metadata?.name === name);
  if (role === undefined) throw new Error(`no role ${name}`);
  return role;
};

describe('bootstrap policy', () => {
  it('has a role for every binding', () => {
    const names = new Set([...roles, ...joinClusterRoles()].map(({ metadata }) => metadata?.name));
    for (const binding of [...defaultClusterRoleBindings(), ...joinClusterRoleBindings()]) {
      expect(names).toContain(binding.roleRef.name);
    }
    const namespaced = new Set(
      [...defaultRoles(), ...joinRoles()].map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`),
    );
    for (const { metadata, roleRef } of [...defaultRoleBindings(), ...joinRoleBindings()]) {
      expect(namespaced).toContain(`${metadata?.namespace}/${roleRef.name}`);
    }
  });

  it('gives everything to system:masters and nothing to system:node', () => {
    const subjectsOf = (name: string) =>
      defaultClusterRoleBindings().find(({ metadata }) => metadata?.name === name)?.subjects;
    expect(subjectsOf('cluster-admin')).toEqual([
      { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:masters' },
    ]);
    expect(subjectsOf('system:node')).toBeUndefined();
    expect(roleNamed('system:node').rules).toEqual(nodeRules());
    expect(joinClusterRoleBindings().map(({ roleRef }) => roleRef.name)).not.toContain('system:node');
    expect(roleNamed('cluster-admin').rules).toContainEqual({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] });
  });

  it('nests view in edit in admin, by label as well as by rule', () => {
    for (const [outer, inner] of [
      ['edit', 'view'],
      ['admin', 'edit'],
    ] as const) {
      expect(roleNamed(outer).rules).toEqual(expect.arrayContaining(roleNamed(inner).rules ?? []));
      expect(roleNamed(inner).metadata?.labels).toMatchObject(
        roleNamed(outer).aggregationRule?.clusterRoleSelectors?.[0]?.matchLabels ?? { missing: 'selector' },
      );
    }
  });

  it('never lets view read secrets', () => {
    const readable = (roleNamed('view').rules ?? []).flatMap(({ resources = [] }) => resources);
    expect(readable).not.toContain('secrets');
    expect(readable).not.toContain('*');
  });
});
