import fc from 'fast-check';
import { type Payload } from '#bus';
import { ApiError } from '#machinery';
import { authenticated } from '../authn/authenticator';
import { readBusRequest } from './bus-request';

const user = authenticated({ name: 'somebody', groups: [] });
const whole = {
  method: 'PUT',
  path: '/api/v1/namespaces/a%20b?x=1&y=%32',
  contentType: 'application/json',
  body: { a: 1 },
  userAgent: 'me/1',
  fence: { lease: { namespace: 'kube-system', name: 'x' }, holder: 'me', transitions: 3 },
};

test('a request', () => {
  const request = readBusRequest(whole, user);
  expect(request).toMatchObject({ method: 'PUT', path: '/api/v1/namespaces/a b', user, fence: whole.fence });
  expect([...request.query]).toEqual([
    ['x', '1'],
    ['y', '2'],
  ]);
  expect([request.header('content-type'), request.header('accept'), request.header('user-agent')]).toEqual([
    'application/json',
    undefined,
    'me/1',
  ]);
  expect(request.body.value).toEqual({ a: 1 });
});

test.each<[string, unknown]>([
  ['null', null],
  ['a list', []],
  ['a text', 'GET /'],
  ['no method', { path: '/' }],
  ['a method that is none', { method: 7, path: '/' }],
  ['no path', { method: 'GET' }],
  ['a path from nowhere', { method: 'GET', path: 'api' }],
  ['a path that encodes nothing', { method: 'GET', path: '/%' }],
  ['a path without end', { method: 'GET', path: `/${'a'.repeat(1 << 20)}` }],
  ['a header that is an object', { ...whole, userAgent: {} }],
  ['a media type that is a number', { ...whole, contentType: 1 }],
  ['a body that is a text', { ...whole, body: 'x' }],
  ['a body that is null', { ...whole, body: null }],
  ['a fence that is none', { ...whole, fence: true }],
  ['a fence without a lease', { ...whole, fence: { holder: 'a', transitions: 1 } }],
  ['a fence whose term is no number', { ...whole, fence: { ...whole.fence, transitions: '3' } }],
])('%s is a bad request', (_, payload) => {
  let thrown: unknown;
  try {
    readBusRequest(payload as Payload, user);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: 400, status: { reason: 'BadRequest' } });
});

test('any payload is a request or a bad one', () => {
  const field = fc.anything({ withNullPrototype: true, maxDepth: 2 });
  const almost = fc.record(
    Object.fromEntries(Object.entries(whole).map(([name, value]) => [name, fc.oneof(fc.constant(value), field)])),
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(field, almost), (payload) => {
      try {
        readBusRequest(payload as Payload, user);
      } catch (error) {
        expect(error).toBeInstanceOf(ApiError);
      }
    }),
  );
});
