import { type FlowcontrolSubject, type NonResourcePolicyRule, type ResourcePolicyRule } from '#api';
import { type DeepReadonly, field, type FieldError, type FieldPath, isDns1123Label } from '#machinery';
import { dnsLabel, dnsSubdomain, each, isUnset, type List, required } from '../validation/checks';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
const kinds = ['Group', 'ServiceAccount', 'User'] as const;
const namespaceText = "each member of this list must be '*' or a DNS-1123 label; ";

type Subject = DeepReadonly<FlowcontrolSubject>;
type Kind = (typeof kinds)[number];
const fields: Readonly<Record<Kind, 'group' | 'serviceAccount' | 'user'>> = {
  Group: 'group',
  ServiceAccount: 'serviceAccount',
  User: 'user',
};

/** Who a flow schema is for. */
export function validateSubject(subject: Subject, path: FieldPath): FieldError[] {
  const kind = kinds.find((candidate) => candidate === subject.kind);
  if (kind === undefined) return [field.notSupported(path.child('kind'), subject.kind, kinds)];
  const name = fields[kind];
  const place = path.child(name);
  const errors: FieldError[] = [];
  if (subject[name] === undefined) {
    errors.push(field.required(place, `${name} is required when subject kind is '${kind}'`));
  } else errors.push(...required(subject[name].name, place.child('name')));
  if (kind === 'ServiceAccount') errors.push(...validateAccount(subject, place));
  for (const other of kinds) {
    if (other === kind || subject[fields[other]] === undefined) continue;
    const text = `${fields[other]} is forbidden when subject kind is not '${other}'`;
    errors.push(field.forbidden(path.child(fields[other]), text));
  }
  return errors;
}

function validateAccount({ serviceAccount }: Subject, path: FieldPath): FieldError[] {
  if (serviceAccount === undefined) return [];
  const { name, namespace } = serviceAccount;
  return [
    ...(isUnset(name) || name === '*' ? [] : dnsSubdomain(name, path.child('name'))),
    ...(isUnset(namespace)
      ? [field.required(path.child('namespace'), 'must specify namespace for service account')]
      : dnsLabel(namespace, path.child('namespace'))),
  ];
}

export function validateResourceRule(rule: DeepReadonly<ResourcePolicyRule>, path: FieldPath): FieldError[] {
  const { apiGroups, resources, namespaces, clusterScope } = rule;
  const errors = validateVerbs(rule.verbs, path.child('verbs'));
  errors.push(
    ...validateWildcard(
      apiGroups,
      'api groups',
      'resource rules must supply at least one api group',
      path.child('apiGroups'),
    ),
    ...validateWildcard(
      resources,
      'resources',
      'resource rules must supply at least one resource',
      path.child('resources'),
    ),
  );
  const place = path.child('namespaces');
  if (isUnset(namespaces)) {
    if (clusterScope === true) return errors;
    const text = 'resource rules that are not cluster scoped must supply at least one namespace';
    return [...errors, field.required(place, text)];
  }
  if (namespaces?.includes('*') === true) {
    return [...errors, ...validateWildcard(namespaces, 'namespaces', '', place)];
  }
  return [
    ...errors,
    ...each(namespaces, place, (namespace, item) =>
      isDns1123Label(namespace).map((message) => field.invalid(item, namespace, `${namespaceText}${message}`)),
    ),
  ];
}

export function validateUrlRule(rule: DeepReadonly<NonResourcePolicyRule>, path: FieldPath): FieldError[] {
  const urls = rule.nonResourceURLs;
  const place = path.child('nonResourceURLs');
  return [
    ...validateVerbs(rule.verbs, path.child('verbs')),
    ...validateWildcard(urls, 'non-resource URLs', 'nonResourceURLs must contain at least one value', place),
    ...(urls.includes('*') ? [] : each(urls, place, validateUrl)),
  ];
}

function validateVerbs(list: List<string>, path: FieldPath): FieldError[] {
  const errors = validateWildcard(list, 'verbs', 'verbs must contain at least one value', path);
  if (errors.length > 0 || list?.includes('*') === true) return errors;
  return (list ?? []).every((verb) => verbs.includes(verb)) ? [] : [field.notSupported(path, list, verbs)];
}

/** A list that says something, and nothing besides a wildcard. */
function validateWildcard(list: List<string>, what: string, missing: string, path: FieldPath): FieldError[] {
  if (isUnset(list)) return [field.required(path, missing)];
  if ((list?.length ?? 0) < 2 || list?.includes('*') !== true) return [];
  return [field.invalid(path, list, `if '*' is present, must not specify other ${what}`)];
}

function validateUrl(url: string, path: FieldPath): FieldError[] {
  if (url === '') return [field.invalid(path, url, 'must not be empty')];
  if (url === '/') return [];
  const stars = url.split('*').length - 1;
  const problem = !url.startsWith('/')
    ? 'must start with slash'
    : url.includes(' ')
      ? 'must not contain white-space'
      : url.includes('//')
        ? 'must not contain double slash'
        : stars > 1 || (stars === 1 && !url.endsWith('/*'))
          ? 'wildcard can only do suffix matching'
          : undefined;
  return problem === undefined ? [] : [field.invalid(path, url, problem)];
}
