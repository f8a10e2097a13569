import { type IncomingHttpHeaders } from 'node:http';
import { badRequest } from '#machinery';
import { type Attributes } from '../authz/attributes';
import { type UserInfo } from '../kinds/strategy';
import { authenticated } from './authenticator';

/** Throws Forbidden. */
interface Gate {
  authorize(attributes: Attributes): void;
}

const serviceAccountPrefix = 'system:serviceaccount:';

/**
 * `Impersonate-User`, `-Group`, `-Uid` and `-Extra-*`: each part needs the verb `impersonate` on what it names.
 * @throws Forbidden, BadRequest
 */
export function impersonate(headers: IncomingHttpHeaders, user: UserInfo, gate: Gate): UserInfo {
  const name = one(headers['impersonate-user']);
  const groups = many(headers['impersonate-group']);
  const uid = one(headers['impersonate-uid']);
  const extra = extraOf(headers);
  const hasExtra = Object.keys(extra).length > 0;
  if (name === '') {
    if (groups.length > 0 || uid !== '' || hasExtra) {
      throw badRequest(
        `requested [${[...groups, uid].filter((part) => part !== '').join(' ')}] without impersonating a user`,
      );
    }
    return user;
  }
  const check = (group: string, resource: string, named: string, namespace = '', subresource = ''): void =>
    gate.authorize({
      user,
      verb: 'impersonate',
      isResourceRequest: true,
      group,
      resource,
      subresource,
      namespace,
      name: named,
      path: '',
    });
  const account = serviceAccountOf(name);
  if (account === undefined) check('', 'users', name);
  else check('', 'serviceaccounts', account.name, account.namespace);
  for (const group of groups) check('', 'groups', group);
  if (uid !== '') check('authentication.k8s.io', 'uids', uid);
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) check('authentication.k8s.io', 'userextras', value, '', key);
  }
  const implied =
    account !== undefined && groups.length === 0
      ? ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`]
      : groups;
  const impersonated: UserInfo = {
    name,
    groups: name === 'system:anonymous' && groups.length === 0 ? ['system:unauthenticated'] : implied,
    ...(uid === '' ? {} : { uid }),
    ...(hasExtra ? { extra } : {}),
  };
  return name === 'system:anonymous' ? impersonated : authenticated(impersonated);
}

function serviceAccountOf(user: string): { namespace: string; name: string } | undefined {
  if (!user.startsWith(serviceAccountPrefix)) return undefined;
  const parts = user.slice(serviceAccountPrefix.length).split(':');
  const [namespace = '', name = ''] = parts;
  return parts.length === 2 && namespace !== '' && name !== '' ? { namespace, name } : undefined;
}

function one(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

/** Node joins repeated headers of unknown names with a comma and a space. */
function many(value: string | string[] | undefined): string[] {
  const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
  return text === '' ? [] : text.split(', ');
}

function extraOf(headers: IncomingHttpHeaders): Record<string, string[]> {
  const prefix = 'impersonate-extra-';
  const extra: Record<string, string[]> = {};
  for (const [header, value] of Object.entries(headers)) {
    if (header.startsWith(prefix)) extra[decodeURIComponent(header.slice(prefix.length))] = many(value);
  }
  return extra;
}
