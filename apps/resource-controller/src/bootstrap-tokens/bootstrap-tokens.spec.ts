import { type ConfigMap, type Secret, resources } from '#api';
import { isSignedBy } from '#pki';
import { FakeClock, FakeCluster, startReconciler } from '#testing';
import { BootstrapSignerReconciler } from './bootstrap-signer.reconciler';
import { TokenCleanerReconciler } from './token-cleaner.reconciler';

const start = Date.UTC(2026, 0, 1);

function token(id: string, more: Record<string, string> = {}, type = 'bootstrap.kubernetes.io/token'): Secret {
  const data = { 'token-id': id, 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true', ...more };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
    type,
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
  };
}
const info = (data: Record<string, string>): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'kube-public', name: 'cluster-info' },
  data,
});
const config = (cluster: FakeCluster) => ({ clientAs: () => cluster.client, rootCa: 'PEM' });

describe('the bootstrap signer', () => {
  it('signs with the tokens that may, and with no others', async () => {
    const cluster = new FakeCluster({ clock: new FakeClock(start) }).add(
      info({ kubeconfig: 'config', other: 'kept', 'jws-kubeconfig-gone00': 'old' }),
      token('aaaaaa'),
      token('bbbbbb', { expiration: '2026-01-01T01:00:00Z' }),
      token('cccccc', { 'usage-bootstrap-signing': 'false' }),
      token('dddddd', { expiration: '2025-12-31T00:00:00Z' }),
      token('eeeeee', { 'token-id': 'ffffff' }),
      token('gggggg', {}, 'Opaque'),
    );
    const run = startReconciler(cluster, new BootstrapSignerReconciler(cluster.dependencies(), config(cluster)));
    const data = () => cluster.get(resources.configMaps, 'kube-public/cluster-info')?.data ?? {};
    await run.settled();
    expect(Object.keys(data()).sort()).toEqual([
      'jws-kubeconfig-aaaaaa',
      'jws-kubeconfig-bbbbbb',
      'kubeconfig',
      'other',
    ]);
    const known = { id: 'aaaaaa', secret: '0123456789abcdef' };
    expect(isSignedBy(data()['jws-kubeconfig-aaaaaa'] ?? '', 'config', known)).toBe(true);

    cluster.edit(resources.configMaps, 'kube-public/cluster-info', (object) => (object.data = { kubeconfig: 'new' }));
    await run.settled();
    expect(isSignedBy(data()['jws-kubeconfig-aaaaaa'] ?? '', 'new', known)).toBe(true);

    await cluster.clock.advance(3_601_000);
    await run.settled();
    expect(Object.keys(data()).sort()).toEqual(['jws-kubeconfig-aaaaaa', 'kubeconfig']);
    cluster.remove(resources.secrets, 'kube-system/bootstrap-token-aaaaaa');
    await run.settled();
    expect(data()).toEqual({ kubeconfig: 'new' });
    run.stop();
  });
});

describe('the token cleaner', () => {
  it('deletes tokens when their time is over, and nothing else', async () => {
    const cluster = new FakeCluster({ clock: new FakeClock(start) }).add(
      token('aaaaaa', { expiration: '2026-01-01T01:00:00Z' }),
      token('bbbbbb'),
      token('cccccc', { expiration: 'never' }),
      token('dddddd', { expiration: '2025-01-01T00:00:00Z' }, 'Opaque'),
    );
    const run = startReconciler(cluster, new TokenCleanerReconciler(cluster.dependencies(), config(cluster)));
    const left = () => ['a', 'b', 'c', 'd'].filter((letter) => has(letter.repeat(6)));
    const has = (id: string) => cluster.get(resources.secrets, `kube-system/bootstrap-token-${id}`) !== undefined;
    await run.settled();
    expect(left()).toEqual(['a', 'b', 'd']);
    await cluster.clock.advance(3_601_000);
    await run.settled();
    expect(left()).toEqual(['b', 'd']);
    run.stop();
  });
});
