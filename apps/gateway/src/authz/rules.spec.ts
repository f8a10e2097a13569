import { covers, ruleAllows } from './rules';

const user = { name: 'u', groups: [] };
const ask = (verb: string, resource: string, more: object = {}) => ({
  user,
  verb,
  isResourceRequest: true,
  group: '',
  resource,
  subresource: '',
  namespace: 'n',
  name: '',
  path: '',
  ...more,
});
const rule = (verbs: string[], resources: string[], more: object = {}) => ({
  verbs,
  apiGroups: [''],
  resources,
  ...more,
});

describe('ruleAllows', () => {
  it.each([
    ['the verb and resource', rule(['get'], ['pods']), ask('get', 'pods'), true],
    ['no other verb', rule(['get'], ['pods']), ask('list', 'pods'), false],
    ['every verb', rule(['*'], ['pods']), ask('deletecollection', 'pods'), true],
    ['no other group', rule(['get'], ['pods']), ask('get', 'pods', { group: 'apps' }), false],
    ['no subresource', rule(['get'], ['pods']), ask('get', 'pods', { subresource: 'log' }), false],
    ['a subresource', rule(['get'], ['pods/log']), ask('get', 'pods', { subresource: 'log' }), true],
    ['a subresource of all', rule(['get'], ['*/scale']), ask('get', 'deployments', { subresource: 'scale' }), true],
    ['a name', rule(['get'], ['pods'], { resourceNames: ['a'] }), ask('get', 'pods', { name: 'a' }), true],
    ['no list by name', rule(['list'], ['pods'], { resourceNames: ['a'] }), ask('list', 'pods'), false],
  ])('allows %s', (_what, granted, asked, expected) => {
    expect(ruleAllows(granted, asked)).toBe(expected);
  });

  it('matches paths exactly or by prefix', () => {
    const path = (url: string) => ask('get', '', { isResourceRequest: false, path: url });
    const granted = { verbs: ['get'], nonResourceURLs: ['/healthz', '/api/*'] };
    expect(['/healthz', '/healthz/ping', '/api/v1', '/apis'].map((url) => ruleAllows(granted, path(url)))).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });
});

describe('covers', () => {
  it('needs each verb on each resource, from any rules', () => {
    const owned = [rule(['get'], ['pods', 'services']), rule(['list'], ['pods'])];
    expect(covers(owned, rule(['get', 'list'], ['pods']))).toBe(true);
    expect(covers(owned, rule(['get', 'list'], ['services']))).toBe(false);
    expect(covers(owned, rule(['get'], ['*']))).toBe(false);
  });
});
