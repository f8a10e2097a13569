import {
  type ClusterRole,
  type ClusterRoleBinding,
  type PolicyRule,
  type RbacSubject,
  type Role,
  type RoleBinding,
  type RoleRef,
} from '#api';
import { type DeepReadonly, goQuote } from '#machinery';
import { type ResourceCache } from '../cache/resource-cache';
import { type UserInfo } from '../kinds/strategy';
import { type Attributes, type Authorizer, type Verdict } from './attributes';
import { ruleAllows } from './rules';

type Rule = DeepReadonly<PolicyRule>;
type Binding = DeepReadonly<RoleBinding | ClusterRoleBinding>;

/** Where roles and bindings are. */
export interface RbacCaches {
  readonly roles: ResourceCache;
  readonly roleBindings: ResourceCache;
  readonly clusterRoles: ResourceCache;
  readonly clusterRoleBindings: ResourceCache;
}

/** What applies to one user through one binding; `error` if the binding names a role that does not exist. */
interface Grant {
  readonly rules: readonly Rule[];
  readonly describe: () => string;
  readonly error?: string;
}

/** `rbac.authorization.k8s.io` over the watch caches: no I/O, always as fresh as the caches. */
export class RbacAuthorizer implements Authorizer {
  constructor(private readonly caches: RbacCaches) {}

  authorize(attributes: Attributes): Verdict {
    if (attributes.user.groups.includes('system:masters')) return { allowed: true, reason: '' };
    const errors: string[] = [];
    for (const grant of this.grants(attributes.user, attributes.namespace)) {
      if (grant.error !== undefined) errors.push(grant.error);
      if (grant.rules.some((rule) => ruleAllows(rule, attributes))) {
        return { allowed: true, reason: `RBAC: allowed by ${grant.describe()}` };
      }
    }
    if (errors.length === 0) return { allowed: false, reason: '' };
    const distinct = [...new Set(errors)];
    return {
      allowed: false,
      reason: `RBAC: ${distinct.length === 1 ? (distinct[0] ?? '') : `[${distinct.join(', ')}]`}`,
    };
  }

  /** Every rule that applies to a user, cluster-wide and in a namespace ('' for none). */
  rulesFor(user: UserInfo, namespace: string): Rule[] {
    if (user.groups.includes('system:masters')) {
      return [
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
        { verbs: ['*'], nonResourceURLs: ['*'] },
      ];
    }
    return [...this.grants(user, namespace)].flatMap(({ rules }) => [...rules]);
  }

  /** The rules of the role that a binding in `namespace` refers to; undefined if it does not exist. */
  rulesOfRole(reference: DeepReadonly<RoleRef>, namespace: string): readonly Rule[] | undefined {
    const { clusterRoles, roles } = this.caches;
    const found =
      reference.kind === 'ClusterRole'
        ? clusterRoles.get(`${clusterRoles.prefix}${reference.name}`)
        : roles.get(`${roles.prefix}${namespace}/${reference.name}`);
    return found === undefined ? undefined : ((found.object as DeepReadonly<ClusterRole | Role>).rules ?? []);
  }

  private *grants(user: UserInfo, namespace: string): Generator<Grant> {
    const { clusterRoleBindings, roleBindings } = this.caches;
    for (const { object } of clusterRoleBindings.range(clusterRoleBindings.prefix)) {
      yield* this.grantsOf(object as Binding, user, '');
    }
    if (namespace === '') return;
    for (const { object } of roleBindings.range(`${roleBindings.prefix}${namespace}/`)) {
      yield* this.grantsOf(object as Binding, user, namespace);
    }
  }

  private *grantsOf(binding: Binding, user: UserInfo, namespace: string): Generator<Grant> {
    const subject = (binding.subjects ?? []).find((candidate) => appliesTo(candidate, user, namespace));
    if (subject === undefined) return;
    const { roleRef } = binding;
    const rules = this.rulesOfRole(roleRef, namespace);
    const kind = namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding';
    const name = namespace === '' ? binding.metadata?.name : `${binding.metadata?.name ?? ''}/${namespace}`;
    yield {
      rules: rules ?? [],
      describe: () =>
        `${kind} ${goQuote(name ?? '')} of ${roleRef.kind} ${goQuote(roleRef.name)} to ${describeSubject(subject, namespace)}`,
      ...(rules === undefined
        ? {
            error: `${roleRef.kind === 'ClusterRole' ? 'clusterrole' : 'role'}.rbac.authorization.k8s.io ${goQuote(roleRef.name)} not found`,
          }
        : {}),
    };
  }
}

function appliesTo(subject: DeepReadonly<RbacSubject>, user: UserInfo, namespace: string): boolean {
  switch (subject.kind) {
    case 'User':
      return user.name === subject.name;
    case 'Group':
      return user.groups.includes(subject.name);
    case 'ServiceAccount': {
      const home = subject.namespace ?? namespace;
      return home !== '' && user.name === `system:serviceaccount:${home}:${subject.name}`;
    }
    default:
      return false;
  }
}

function describeSubject(subject: DeepReadonly<RbacSubject>, namespace: string): string {
  if (subject.kind !== 'ServiceAccount') return `${subject.kind} ${goQuote(subject.name)}`;
  return `ServiceAccount ${goQuote(`${subject.name}/${subject.namespace ?? namespace}`)}`;
}
