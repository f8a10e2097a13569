import { isDns1123Subdomain, isPathSegmentName, maskTrailingDash } from '#machinery';
import { type NameRule } from '../kinds/strategy';
import { type ServedResource } from './served-resource';

/** Without vowels and look-alikes, so that no words appear. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
const maximumBase = 63 - suffixLength;

/** A name from `generateName`: five random characters after at most 58 of the base. */
export function generateName(base: string, random: () => number): string {
  let name = base.slice(0, maximumBase);
  for (let i = 0; i < suffixLength; i++) name += alphabet.charAt(Math.floor(random() * alphabet.length));
  return name;
}

/** `NameIsDNSSubdomain`, the rule of most kinds. */
export const nameIsDnsSubdomain: NameRule = (name, prefix) =>
  isDns1123Subdomain(prefix ? maskTrailingDash(name) : name);

/** Roles and bindings have names like `system:node`; whatever fits in a path will do. */
export function defaultNameRule({ definition }: ServedResource): NameRule {
  return definition.group === 'rbac.authorization.k8s.io' ? (name) => isPathSegmentName(name) : nameIsDnsSubdomain;
}
