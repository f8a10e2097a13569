import { type ClusterRole, type ClusterRoleBinding, type PolicyRule, type Role, type RoleBinding } from '#api';
import { type DeepReadonly, forbidden, goQuote, notFound } from '#machinery';
import { type AdmissionPlugin, type AdmissionRequest } from '../admission/admission';
import { type RbacAuthorizer } from './rbac-authorizer';
import { breakDown, covers } from './rules';

type Rule = DeepReadonly<PolicyRule>;

const group = 'rbac.authorization.k8s.io';

/**
 * Nobody grants what he does not have: writing a role needs its rights or the verb `escalate`, writing a binding needs the
 * rights of the role it names or the verb `bind` on that role.
 */
export function escalationCheck(rbac: RbacAuthorizer): AdmissionPlugin {
  return {
    name: 'RBACEscalation',
    validate(request) {
      const { resource, operation, user } = request;
      const { definition } = resource;
      if (definition.group !== group || operation === 'DELETE' || user.groups.includes('system:masters')) return;
      if (definition.kind === 'Role' || definition.kind === 'ClusterRole') checkRole(rbac, request);
      else checkBinding(rbac, request);
    },
  };
}

function checkRole(rbac: RbacAuthorizer, request: AdmissionRequest): void {
  const role = request.object as Role | ClusterRole;
  const old: DeepReadonly<Role | ClusterRole> | undefined = request.old;
  const rules = role.rules ?? [];
  if (old !== undefined && JSON.stringify(old.rules ?? []) === JSON.stringify(rules)) return;
  if (may(rbac, request, 'escalate', request.resource.definition.plural, request.name)) return;
  confirm(rbac, request, rules);
}

function checkBinding(rbac: RbacAuthorizer, request: AdmissionRequest): void {
  const { roleRef } = request.object as RoleBinding | ClusterRoleBinding;
  const plural = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  if (may(rbac, request, 'bind', plural, roleRef.name)) return;
  const rules = rbac.rulesOfRole(roleRef, request.namespace);
  if (rules === undefined) throw notFound({ group, resource: plural }, roleRef.name);
  confirm(rbac, request, rules);
}

function may(
  rbac: RbacAuthorizer,
  { user, namespace }: AdmissionRequest,
  verb: string,
  resource: string,
  name: string,
): boolean {
  const attributes = {
    user,
    verb,
    isResourceRequest: true,
    group,
    resource,
    subresource: '',
    namespace,
    name,
    path: '',
  };
  return rbac.authorize(attributes).allowed;
}

/** @throws Forbidden with the rights that are missing */
function confirm(
  rbac: RbacAuthorizer,
  { user, namespace, resource, name }: AdmissionRequest,
  wanted: readonly Rule[],
): void {
  const owned = rbac.rulesFor(user, namespace);
  const missing = wanted.flatMap(breakDown).filter((rule) => !covers(owned, rule));
  if (missing.length === 0) return;
  const groups = user.groups.map(goQuote).join(' ');
  throw forbidden(
    resource.groupResource,
    name,
    `user ${goQuote(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${describe(missing)}`,
  );
}

/** Rules that differ in their verbs only are told as one. */
function describe(rules: readonly Rule[]): string {
  const byTarget = new Map<string, string[]>();
  for (const { verbs, ...target } of rules) {
    const parts = [
      list('APIGroups', target.apiGroups),
      list('Resources', target.resources),
      list('ResourceNames', target.resourceNames),
      list('NonResourceURLs', target.nonResourceURLs),
    ].filter((part) => part !== '');
    const key = parts.join(', ');
    byTarget.set(key, [...(byTarget.get(key) ?? []), ...verbs]);
  }
  return [...byTarget]
    .map(([target, verbs]) => `{${target}, ${list('Verbs', verbs)}}`)
    .sort()
    .join('\n');
}

function list(name: string, values: readonly string[] | undefined): string {
  return values === undefined || values.length === 0 ? '' : `${name}:[${values.map(goQuote).join(' ')}]`;
}
