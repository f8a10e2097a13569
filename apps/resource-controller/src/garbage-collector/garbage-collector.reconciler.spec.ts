import { type ConfigMap, resources } from '#api';
import { type OwnerReference } from '#machinery';
import { FakeCluster, startReconciler } from '#testing';
import { GarbageCollectorReconciler } from './garbage-collector.reconciler';

const configMap = (
  name: string,
  uid: string,
  metadata: Partial<NonNullable<ConfigMap['metadata']>> = {},
): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', uid, ...metadata },
});
const ownedBy = (uid: string, name = uid, extra: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name,
  uid,
  ...extra,
});
const GOING = '2026-01-01T00:00:00Z';

describe('the garbage collector', () => {
  let cluster: FakeCluster;

  const collect = async (...objects: ConfigMap[]): Promise<string[]> => {
    cluster = new FakeCluster().add(...objects);
    const config = { clientAs: () => cluster.client, rootCa: '' };
    const run = startReconciler(cluster, new GarbageCollectorReconciler(cluster.dependencies(), config));
    await run.settled();
    run.stop();
    return cluster.takeWrites();
  };
  const names = (): string[] =>
    cluster.informers
      .informer(resources.configMaps)
      .lister.list()
      .map(({ metadata }) => metadata!.name!)
      .sort();

  it('keeps what has no owner, or an owner that exists', async () => {
    expect(await collect(configMap('a', 'a'), configMap('b', 'b', { ownerReferences: [ownedBy('a')] }))).toEqual([]);
  });

  it('deletes what has lost its only owner, and then what that owned', async () => {
    const writes = await collect(
      configMap('b', 'b', { ownerReferences: [ownedBy('gone')] }),
      configMap('c', 'c', { ownerReferences: [ownedBy('b')] }),
    );
    expect(writes).toEqual(['delete configmaps default/b', 'delete configmaps default/c']);
  });

  it('takes an owner of the same name but another UID for a stranger', async () => {
    await collect(configMap('a', 'new'), configMap('b', 'b', { ownerReferences: [ownedBy('old', 'a')] }));
    expect(names()).toEqual(['a']);
  });

  it('keeps what still has another owner, without the dead reference', async () => {
    await collect(configMap('a', 'a'), configMap('b', 'b', { ownerReferences: [ownedBy('gone'), ownedBy('a')] }));
    expect(cluster.get(resources.configMaps, 'default/b')?.metadata?.ownerReferences).toEqual([ownedBy('a')]);
  });

  it('leaves objects alone whose owner is of a kind that it does not know', async () => {
    const foreign = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: 'w' };
    expect(await collect(configMap('b', 'b', { ownerReferences: [foreign] }))).toEqual([]);
  });

  it('lets an owner in foreground deletion go only after the dependents that block it', async () => {
    const owner = configMap('a', 'a', { deletionTimestamp: GOING, finalizers: ['foregroundDeletion'] });
    const blocking = configMap('b', 'b', { ownerReferences: [ownedBy('a', 'a', { blockOwnerDeletion: true })] });
    const writes = await collect(owner, blocking);
    expect(writes).toEqual(['delete configmaps default/b', 'patch configmaps default/a']);
    expect(names()).toEqual([]);
  });

  it('orphans: dependents lose the reference and stay', async () => {
    const owner = configMap('a', 'a', { deletionTimestamp: GOING, finalizers: ['orphan'] });
    await collect(owner, configMap('b', 'b', { ownerReferences: [ownedBy('a')] }));
    expect(names()).toEqual(['b']);
    expect(cluster.get(resources.configMaps, 'default/b')?.metadata?.ownerReferences ?? []).toEqual([]);
  });
});
