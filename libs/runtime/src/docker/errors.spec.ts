import { RuntimeError, type RuntimeErrorCode } from '../container-runtime';
import { EngineError } from './engine-http';
import { toPullError, toRuntimeError } from './errors';

test.each<[number, string, RuntimeErrorCode]>([
  [404, 'No such container: abc', 'not-found'],
  [404, 'No such image: absent:1', 'image-not-found'],
  [409, 'Conflict. The container name "/x" is already in use by container "y".', 'already-exists'],
  [409, 'Container abc is not running', 'invalid-argument'],
  [400, 'invalid reference format', 'invalid-image-name'],
  [400, 'Minimum memory limit allowed is 6MB', 'invalid-argument'],
  [500, 'OCI runtime create failed', 'start-failed'],
])('%i %s is %s', (status, message, code) => {
  const error = toRuntimeError(new EngineError(status, message), 'start-failed');
  expect(error).toMatchObject({ code, message: `Error response from daemon: ${message}` });
});

test.each(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE'])('%s: the engine is not there', (code) => {
  const error = toRuntimeError(
    Object.assign(new Error(`connect ${code} /var/run/docker.sock`), { code }),
    'start-failed',
  );
  expect(error).toMatchObject({ code: 'unavailable' });
});

test('what has a code keeps it', () => {
  const error = new RuntimeError('create-failed', 'x');
  expect(toRuntimeError(error, 'unavailable')).toBe(error);
});

test.each<[string, RuntimeErrorCode]>([
  [
    "pull access denied for a/b, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    'image-unauthorized',
  ],
  ['unauthorized: authentication required', 'image-unauthorized'],
  ['Get "https://ghcr.io/v2/": denied: denied', 'image-unauthorized'],
  ['manifest for nginx:nope not found: manifest unknown: manifest unknown', 'image-not-found'],
  ['no matching manifest for linux/amd64 in the manifest list entries', 'image-not-found'],
  ['Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid: no such host', 'pull-failed'],
  ['Get "https://10.0.0.1/v2/": net/http: TLS handshake timeout', 'pull-failed'],
  ['received unexpected HTTP status: 503 Service Unavailable', 'registry-unavailable'],
  ['invalid reference format', 'invalid-image-name'],
])('a pull that says "%s" is %s', (message, code) => {
  expect(toPullError('image', new Error(message))).toMatchObject({
    code,
    message: `Error response from daemon: ${message}`,
  });
});
