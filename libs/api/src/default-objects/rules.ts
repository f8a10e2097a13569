import { type ClusterRole, type PolicyRule, type RbacSubject, type RoleRef } from '../generated/types';

/** Rules by role name. */
export type RoleRules = Readonly<Record<string, readonly PolicyRule[]>>;

export const read = 'get list watch';
export const write = 'create delete deletecollection patch update';
export const everyVerb = 'create delete deletecollection get list patch update watch';

/** One rule on resources, each argument a list of words; `core` stands for the group without a name. */
export function rule(verbs: string, groups: string, resources: string, names?: string): PolicyRule {
  return {
    verbs: verbs.split(' '),
    apiGroups: groups.split(' ').map((group) => (group === 'core' ? '' : group)),
    resources: resources.split(' '),
    ...(names === undefined ? {} : { resourceNames: names.split(' ') }),
  };
}

/** One rule on paths that are no resources. */
export function urls(verbs: string, paths: string): PolicyRule {
  return { verbs: verbs.split(' '), nonResourceURLs: paths.split(' ') };
}

/** What everybody needs who writes Events. */
export const recordEvents = rule('create patch update', 'core events.k8s.io', 'events');

const rbacGroup = 'rbac.authorization.k8s.io';

export const user = (name: string): RbacSubject => ({ kind: 'User', apiGroup: rbacGroup, name });
export const group = (name: string): RbacSubject => ({ kind: 'Group', apiGroup: rbacGroup, name });
export const serviceAccount = (name: string): RbacSubject => ({
  kind: 'ServiceAccount',
  name,
  namespace: 'kube-system',
});

export const clusterRoleRef = (name: string): RoleRef => ({ apiGroup: rbacGroup, kind: 'ClusterRole', name });
export const roleRef = (name: string): RoleRef => ({ apiGroup: rbacGroup, kind: 'Role', name });

/** Marks an object as part of the bootstrap policy, which the server repairs at each start (`autoupdate`). */
export function bootstrapMetadata(
  name: string,
  labels: Readonly<Record<string, string>> = {},
): NonNullable<ClusterRole['metadata']> {
  return {
    name,
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  };
}
