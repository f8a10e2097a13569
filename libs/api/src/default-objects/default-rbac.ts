// RBAC's bootstrap policy as a v1.36 server creates it.
import {
  type ClusterRole,
  type ClusterRoleBinding,
  type PolicyRule,
  type RbacSubject,
  type Role,
  type RoleBinding,
} from '../generated/types';
import { componentRoles } from './component-roles';
import { controllerRoles } from './controller-roles';
import {
  bootstrapMetadata,
  clusterRoleRef,
  group,
  read,
  recordEvents,
  roleRef,
  rule,
  serviceAccount,
  user,
} from './rules';
import { aggregatedRoles } from './user-roles';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const aggregateTo = (role: string) => ({ [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true' });

/**
 * `admin` contains `edit`, which contains `view`. Their rules are the aggregation controller's to keep; they are filled in
 * here as well so that the roles work from the first moment on.
 */
function userRoles(): ClusterRole[] {
  const rulesOf = (part: string): readonly PolicyRule[] => aggregatedRoles[`system:aggregate-to-${part}`] ?? [];
  const view = rulesOf('view');
  const edit = [...rulesOf('edit'), ...view];
  const admin = [...edit, ...rulesOf('admin')];
  const role = (name: string, rules: readonly PolicyRule[], labels?: Record<string, string>): ClusterRole => ({
    apiVersion,
    kind: 'ClusterRole',
    metadata: bootstrapMetadata(name, labels),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] },
    rules: [...rules],
  });
  return [role('admin', admin), role('edit', edit, aggregateTo('admin')), role('view', view, aggregateTo('edit'))];
}

function clusterRole(name: string, rules: readonly PolicyRule[], labels?: Record<string, string>): ClusterRole {
  return { apiVersion, kind: 'ClusterRole', metadata: bootstrapMetadata(name, labels), rules: [...rules] };
}

/** Sorted by name. */
export function defaultClusterRoles(): ClusterRole[] {
  return [
    ...userRoles(),
    ...Object.entries(aggregatedRoles).map(([name, rules]) =>
      clusterRole(name, rules, aggregateTo(name.replace('system:aggregate-to-', ''))),
    ),
    ...Object.entries(componentRoles).map(([name, rules]) => clusterRole(name, rules)),
    ...Object.entries(controllerRoles).map(([name, rules]) => clusterRole(`system:controller:${name}`, rules)),
  ].sort(byName);
}

/** Who has which ClusterRole; `system:node` is for nobody since the Node authoriser decides about nodes. */
const bindings: readonly (readonly [role: string, ...subjects: RbacSubject[]])[] = [
  ['cluster-admin', group('system:masters')],
  ['nestor:dns', user('system:dns')],
  ['system:basic-user', group('system:authenticated')],
  ['system:discovery', group('system:authenticated')],
  ['system:kube-controller-manager', user('system:kube-controller-manager')],
  ['system:kube-dns', serviceAccount('kube-dns')],
  ['system:kube-scheduler', user('system:kube-scheduler')],
  ['system:monitoring', group('system:monitoring')],
  ['system:node'],
  ['system:node-proxier', user('system:kube-proxy')],
  ['system:public-info-viewer', group('system:authenticated'), group('system:unauthenticated')],
  ['system:service-account-issuer-discovery', group('system:serviceaccounts')],
  ['system:volume-scheduler', user('system:kube-scheduler')],
];

/** Sorted by name. */
export function defaultClusterRoleBindings(): ClusterRoleBinding[] {
  const controllers = Object.keys(controllerRoles).map(
    (name) => [`system:controller:${name}`, serviceAccount(name)] as const,
  );
  return [...bindings, ...controllers]
    .map(([role, ...subjects]) => ({
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: bootstrapMetadata(role),
      ...(subjects.length === 0 ? {} : { subjects }),
      roleRef: clusterRoleRef(role),
    }))
    .sort(byName);
}

/** What the Node authoriser allows every node, besides what depends on its pods: the rules of `system:node`. */
export function nodeRules(): readonly PolicyRule[] {
  return componentRoles['system:node'] ?? [];
}

const leaderLock = (component: string) => [
  rule('watch', 'core', 'configmaps'),
  rule('get update', 'core', 'configmaps', component),
];

interface NamespacedRole {
  readonly namespace: 'kube-system' | 'kube-public';
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  /** Name of the binding, where it is not the role's. */
  readonly binding?: string;
  readonly subjects: readonly RbacSubject[];
}

/** Components that run more than once and elect a leader: which lease, and as whom. */
const elected: Readonly<Record<string, RbacSubject>> = {
  'deployment-controller': serviceAccount('deployment-controller'),
  'node-controller': serviceAccount('node-controller'),
  'replicaset-controller': serviceAccount('replicaset-controller'),
  'resource-controller': serviceAccount('resource-controller'),
  scheduler: user('system:kube-scheduler'),
  'service-controller': serviceAccount('service-controller'),
};

const namespacedRoles: readonly NamespacedRole[] = [
  {
    namespace: 'kube-public',
    name: 'system:controller:bootstrap-signer',
    rules: [rule(read, 'core', 'configmaps'), rule('update', 'core', 'configmaps', 'cluster-info'), recordEvents],
    subjects: [serviceAccount('bootstrap-signer')],
  },
  {
    namespace: 'kube-system',
    name: 'extension-apiserver-authentication-reader',
    rules: [rule(read, 'core', 'configmaps', 'extension-apiserver-authentication')],
    binding: 'system::extension-apiserver-authentication-reader',
    subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler')],
  },
  ...['kube-controller-manager', 'kube-scheduler'].map((component) => ({
    namespace: 'kube-system' as const,
    name: `system::leader-locking-${component}`,
    rules: leaderLock(component),
    subjects: [user(`system:${component}`), serviceAccount(component)],
  })),
  {
    namespace: 'kube-system',
    name: 'system:controller:bootstrap-signer',
    rules: [rule(read, 'core', 'secrets')],
    subjects: [serviceAccount('bootstrap-signer')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:cloud-provider',
    rules: [rule('create get list watch', 'core', 'configmaps')],
    subjects: [serviceAccount('cloud-provider')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:token-cleaner',
    rules: [rule('delete get list watch', 'core', 'secrets'), recordEvents],
    subjects: [serviceAccount('token-cleaner')],
  },
  {
    namespace: 'kube-system',
    name: 'nestor:dns',
    rules: [
      rule('create', 'core', 'services'),
      rule('get update', 'core', 'services', 'kube-dns'),
      rule('create get list update delete', 'discovery.k8s.io', 'endpointslices'),
      rule('create get list patch delete', 'coordination.k8s.io', 'leases'),
    ],
    subjects: [user('system:dns')],
  },
  // Beside upstream's, whose leases have other names.
  ...Object.entries(elected).map(([component, subject]) => ({
    namespace: 'kube-system' as const,
    name: `nestor:leader-election:${component}`,
    // A rule for create cannot name what is created.
    rules: [
      rule('create', 'coordination.k8s.io', 'leases'),
      rule('get update', 'coordination.k8s.io', 'leases', component),
    ],
    subjects: [subject],
  })),
];

export function defaultRoles(): Role[] {
  return namespacedRoles.map(({ namespace, name, rules }) => ({
    apiVersion,
    kind: 'Role',
    metadata: { ...bootstrapMetadata(name), namespace },
    rules: [...rules],
  }));
}

export function defaultRoleBindings(): RoleBinding[] {
  return namespacedRoles.map(({ namespace, name, binding, subjects }) => ({
    apiVersion,
    kind: 'RoleBinding',
    metadata: { ...bootstrapMetadata(binding ?? name), namespace },
    subjects: [...subjects],
    roleRef: roleRef(name),
  }));
}

function byName(a: ClusterRole | ClusterRoleBinding, b: ClusterRole | ClusterRoleBinding): number {
  return (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1;
}
