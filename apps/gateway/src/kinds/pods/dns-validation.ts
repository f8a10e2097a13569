import { type HostAlias, type PodDNSConfig } from '#api';
import { type DeepReadonly, field, type FieldError, type FieldPath } from '#machinery';
import { address } from '../validation/addresses';
import { count, dnsSubdomain, each, isUnset, type List, requiredOneOf } from '../validation/checks';

// What resolv.conf(5) takes, or rather what glibc and Kubernetes agree to take (KEP-2595).
const MAXIMUM_NAMESERVERS = 3;
const MAXIMUM_SEARCH_PATHS = 32;
const MAXIMUM_SEARCH_CHARACTERS = 2048;

const policies = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'];

export function validateDnsPolicy(policy: string | undefined, path: FieldPath): FieldError[] {
  return requiredOneOf(policy, policies, path);
}

export function validateDnsConfig(
  config: DeepReadonly<PodDNSConfig> | undefined,
  policy: string | undefined,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (policy === 'None') {
    if (config === undefined) {
      return [field.required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    }
    if (count(config.nameservers) === 0) {
      const text = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
      errors.push(field.required(path.child('nameservers'), text));
    }
  }
  if (config === undefined) return errors;
  const { nameservers, searches = [], options } = config;
  if (count(nameservers) > MAXIMUM_NAMESERVERS) {
    const text = `must not have more than ${MAXIMUM_NAMESERVERS} nameservers`;
    errors.push(field.invalid(path.child('nameservers'), nameservers, text));
  }
  errors.push(...each(nameservers, path.child('nameservers'), address));
  if (searches.length > MAXIMUM_SEARCH_PATHS) {
    const text = `must not have more than ${MAXIMUM_SEARCH_PATHS} search paths`;
    errors.push(field.invalid(path.child('searches'), searches, text));
  }
  if (searches.join(' ').length > MAXIMUM_SEARCH_CHARACTERS) {
    const text = `must not have more than ${MAXIMUM_SEARCH_CHARACTERS} characters (including spaces) in the search list`;
    errors.push(field.invalid(path.child('searches'), searches, text));
  }
  errors.push(...each(searches, path.child('searches'), validateSearch));
  return [
    ...errors,
    ...each(options, path.child('options'), ({ name }, place) =>
      isUnset(name) ? [field.required(place, 'must not be empty')] : [],
    ),
  ];
}

/** Resolvers also know underscores in search paths, and `.` for none. */
function validateSearch(search: string, path: FieldPath): FieldError[] {
  if (search === '.') return [];
  const plain = search.replace(/\.$/, '');
  return dnsSubdomain(plain.replaceAll('_', '-'), path).map((error) =>
    plain.includes('_') ? field.invalid(path, plain, error.message.replace(/^Invalid value: "[^"]*": /, '')) : error,
  );
}

export function validateHostAliases(aliases: List<DeepReadonly<HostAlias>>, path: FieldPath): FieldError[] {
  return each(aliases, path, ({ ip = '', hostnames }, place) => [
    ...address(ip, place.child('ip')),
    ...each(hostnames, place.child('hostnames'), dnsSubdomain),
  ]);
}
