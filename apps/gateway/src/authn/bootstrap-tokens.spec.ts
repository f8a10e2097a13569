import { type Secret } from '#api';
import { ResourceCache } from '../cache/resource-cache';
import { versioned } from '../storage/versioned-object';
import { BootstrapTokenAuthenticator } from './bootstrap-tokens';

const now = Date.parse('2026-01-01T00:00:00Z');
const token = 'abcdef.0123456789abcdef';
const name = 'bootstrap-token-abcdef';
const good = {
  'token-id': 'abcdef',
  'token-secret': '0123456789abcdef',
  'usage-bootstrap-authentication': 'true',
};

function authenticate(data: Record<string, string>, change: Partial<Secret> = {}, text = token) {
  const cache = new ResourceCache('/registry/core/secrets/', 1, { events: 10, bytes: 1000 });
  const secret: Secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'kube-system', name },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
    ...change,
  };
  const { metadata } = secret;
  cache.put(versioned(`/registry/core/secrets/${metadata?.namespace}/${metadata?.name}`, secret, 1));
  return new BootstrapTokenAuthenticator(cache, () => now).authenticate(text);
}

describe('bootstrap tokens', () => {
  it('make somebody of whoever holds them', async () => {
    expect(await authenticate(good)).toEqual({ name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers'] });
    const groups = 'system:bootstrappers:worker,system:bootstrappers:kubeadm:default-node-token';
    expect((await authenticate({ ...good, 'auth-extra-groups': groups }))?.groups).toEqual([
      'system:bootstrappers',
      'system:bootstrappers:kubeadm:default-node-token',
      'system:bootstrappers:worker',
    ]);
    expect(await authenticate({ ...good, expiration: '2026-01-01T00:00:01Z' })).toBeDefined();
    expect(await authenticate({ ...good, expiration: '2026-01-01T02:00:01+02:00' })).toBeDefined();
  });

  it.each<[string, readonly [data: Record<string, string>, change?: Partial<Secret>, text?: string]]>([
    ['of another form', [good, {}, 'abcdef.0123456789ABCDEF']],
    ['with another secret', [good, {}, 'abcdef.0123456789abcdee']],
    ['that nobody made', [good, {}, 'aaaaaa.0123456789abcdef']],
    ['that expired', [{ ...good, expiration: '2026-01-01T00:00:00Z' }]],
    ['whose expiration cannot be read', [{ ...good, expiration: 'tomorrow' }]],
    ['for something else', [{ ...good, 'usage-bootstrap-authentication': 'false' }]],
    ['with another id inside', [{ ...good, 'token-id': 'aaaaaa' }]],
    ['with groups outside of bootstrapping', [{ ...good, 'auth-extra-groups': 'system:masters' }]],
    ['in a Secret of another type', [good, { type: 'Opaque' }]],
    ['in another namespace', [good, { metadata: { namespace: 'default', name } }]],
    [
      'that are being deleted',
      [good, { metadata: { namespace: 'kube-system', name, deletionTimestamp: '2026-01-01T00:00:00Z' } }],
    ],
  ])('%s are not known', async (_what, given) => {
    expect(await authenticate(...given)).toBeUndefined();
  });
});
