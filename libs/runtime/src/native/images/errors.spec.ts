import { RuntimeError, type RuntimeErrorCode } from '../../container-runtime';
import { toPullError } from './errors';
import { ContentError, RegistryError } from './registry/registry-error';

const name = 'quay.io/a:1';
const pulling = `failed to pull and unpack image "${name}": `;
const resolving = `${pulling}failed to resolve reference "${name}": `;

test.each<[string, unknown, RuntimeErrorCode, string]>([
  [
    '401',
    new RegistryError('no basic auth credentials', 401),
    'image-unauthorized',
    `${resolving}pull access denied, repository does not exist or may require authorization: no basic auth credentials`,
  ],
  ['403', new RegistryError('x', 403), 'image-unauthorized', `${resolving}pull access denied`],
  ['DENIED with another status', new RegistryError('x', 400, 'DENIED'), 'image-unauthorized', resolving],
  ['404', new RegistryError('x', 404, 'MANIFEST_UNKNOWN'), 'image-not-found', `${resolving}${name}: not found`],
  [
    'no platform',
    new RegistryError('no match for platform in manifest: linux/arm: not found', 404),
    'image-not-found',
    `${pulling}no match for platform`,
  ],
  ['502', new RegistryError('x', 502), 'registry-unavailable', resolving],
  ['503', new RegistryError('x', 503), 'registry-unavailable', resolving],
  ['500', new RegistryError('x', 500), 'pull-failed', pulling],
  ['429', new RegistryError('x', 429, 'TOOMANYREQUESTS'), 'pull-failed', pulling],
  ['no connection', new RegistryError('connect ECONNREFUSED'), 'pull-failed', pulling],
  ['a wrong digest', new ContentError('unexpected commit digest'), 'pull-failed', pulling],
  [
    'a full disk',
    Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }),
    'pull-failed',
    `${pulling}ENOSPC`,
  ],
])('%s', (_, error, code, message) => {
  const found = toPullError(name, error);
  expect(found).toMatchObject({ code });
  expect(found.message.startsWith(message)).toBe(true);
});

test('what has a code keeps it', () => {
  const error = new RuntimeError('unavailable', 'closed');
  expect(toPullError(name, error)).toBe(error);
});
