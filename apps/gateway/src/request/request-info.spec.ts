import fc from 'fast-check';
import { resolveRequestInfo } from './request-info';

const none = new URLSearchParams();

/** method, path and query → verb, group/version, namespace, resource/subresource, name */
const cases: readonly (readonly [string, string, string])[] = [
  ['GET', '/api/v1/namespaces', 'list /v1  namespaces '],
  ['GET', '/api/v1/namespaces/other', 'get /v1 other namespaces other'],
  ['GET', '/api/v1/namespaces/other/pods', 'list /v1 other pods '],
  ['GET', '/api/v1/namespaces/other/pods?watch=true', 'watch /v1 other pods '],
  ['GET', '/api/v1/namespaces/other/pods?watch=0', 'list /v1 other pods '],
  ['GET', '/api/v1/watch/namespaces/other/pods', 'watch /v1 other pods '],
  ['GET', '/api/v1/namespaces/other/pods/foo', 'get /v1 other pods foo'],
  ['HEAD', '/api/v1/namespaces/other/pods/foo', 'get /v1 other pods foo'],
  ['GET', '/api/v1/namespaces/other/pods/foo/log', 'get /v1 other pods/log foo'],
  ['PUT', '/api/v1/namespaces/other/finalize', 'update /v1 other namespaces/finalize other'],
  ['POST', '/api/v1/namespaces/other/pods', 'create /v1 other pods '],
  ['DELETE', '/api/v1/namespaces/other/pods', 'deletecollection /v1 other pods '],
  ['DELETE', '/api/v1/namespaces/other/pods/foo', 'delete /v1 other pods foo'],
  ['PATCH', '/apis/apps/v1/namespaces/other/deployments/d/scale', 'patch apps/v1 other deployments/scale d'],
  ['GET', '/apis/apps/v1/deployments?fieldSelector=metadata.name%3Dd', 'list apps/v1  deployments d'],
  ['GET', '/api/v1/nodes/n/proxy/metrics', 'get /v1  nodes/proxy n'],
];

describe('resolveRequestInfo', () => {
  it.each(cases)('%s %s', (method, target, expected) => {
    const url = new URL(target, 'http://x');
    const info = resolveRequestInfo(method, url.pathname, url.searchParams);
    const { verb, group, version, namespace, resource, subresource, name } = info;
    const what = subresource === '' ? resource : `${resource}/${subresource}`;
    expect(`${verb} ${group}/${version} ${namespace} ${what} ${name}`).toBe(expected);
  });

  it.each([
    '/',
    '/version',
    '/api',
    '/api/v1',
    '/apis',
    '/apis/apps',
    '/apis/apps/v1',
    '/healthz/ping',
    '/openapi/v3/api/v1',
  ])('%s is no resource', (path) => {
    expect(resolveRequestInfo('GET', path, none)).toMatchObject({ isResourceRequest: false, verb: 'get' });
  });

  it('never throws, and finds the namespace and name that a path was made of', () => {
    const segment = fc.stringMatching(/^[a-z0-9.:-]{1,253}$/);
    fc.assert(
      fc.property(segment, segment, (namespace, name) => {
        fc.pre(!['status', 'finalize'].includes(name));
        const info = resolveRequestInfo('GET', `/api/v1/namespaces/${namespace}/configmaps/${name}`, none);
        expect(info).toMatchObject({ verb: 'get', namespace, name, resource: 'configmaps' });
      }),
    );
    fc.assert(
      fc.property(fc.string(), fc.string(), (method, path) => {
        expect(typeof resolveRequestInfo(method, path, none).verb).toBe('string');
      }),
    );
  });
});
