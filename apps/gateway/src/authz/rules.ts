import { type PolicyRule } from '#api';
import { type DeepReadonly } from '#machinery';
import { type Attributes } from './attributes';

type Rule = DeepReadonly<PolicyRule>;

/** `rbac.RuleAllows`. */
export function ruleAllows(rule: Rule, attributes: Attributes): boolean {
  if (!attributes.isResourceRequest) {
    return has(rule.verbs, attributes.verb) && pathMatches(rule.nonResourceURLs, attributes.path);
  }
  return (
    has(rule.verbs, attributes.verb) &&
    has(rule.apiGroups, attributes.group) &&
    resourceMatches(rule.resources, attributes.resource, attributes.subresource) &&
    nameMatches(rule.resourceNames, attributes.name)
  );
}

function has(list: readonly string[] | undefined, value: string): boolean {
  return list !== undefined && (list.includes('*') || list.includes(value));
}

function resourceMatches(resources: readonly string[] = [], resource: string, subresource: string): boolean {
  const wanted = subresource === '' ? resource : `${resource}/${subresource}`;
  return resources.some(
    (rule) => rule === '*' || rule === wanted || (subresource !== '' && rule === `*/${subresource}`),
  );
}

function nameMatches(names: readonly string[] | undefined, name: string): boolean {
  return names === undefined || names.length === 0 || names.includes(name);
}

function pathMatches(paths: readonly string[] = [], path: string): boolean {
  return paths.some(
    (rule) => rule === '*' || rule === path || (rule.endsWith('*') && path.startsWith(rule.slice(0, -1))),
  );
}

/** Whether the rules in force cover everything that a new rule would grant (privilege escalation check). */
export function covers(owned: readonly Rule[], wanted: Rule): boolean {
  return breakDown(wanted).every((one) => owned.some((rule) => coversOne(rule, one)));
}

/** One verb on one resource (and name) of one group, or on one path. */
export function breakDown(rule: Rule): Rule[] {
  const simple: Rule[] = [];
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) simple.push({ verbs: [verb], nonResourceURLs: [url] });
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const base = { verbs: [verb], apiGroups: [group], resources: [resource] };
        const names = rule.resourceNames ?? [];
        if (names.length === 0) simple.push(base);
        for (const name of names) simple.push({ ...base, resourceNames: [name] });
      }
    }
  }
  return simple;
}

function coversOne(owner: Rule, one: Rule): boolean {
  if (!one.verbs.every((verb) => has(owner.verbs, verb))) return false;
  const url = one.nonResourceURLs?.[0];
  if (url !== undefined) return pathMatches(owner.nonResourceURLs, url);
  const [group = '', resource = ''] = [one.apiGroups?.[0], one.resources?.[0]];
  const name = one.resourceNames?.[0];
  const ownerNames = owner.resourceNames ?? [];
  const slash = resource.indexOf('/');
  return (
    has(owner.apiGroups, group) &&
    (has(owner.resources, resource) || (slash >= 0 && (owner.resources ?? []).includes(`*${resource.slice(slash)}`))) &&
    (ownerNames.length === 0 || (name !== undefined && ownerNames.includes(name)))
  );
}
