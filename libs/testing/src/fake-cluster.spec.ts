import { type Pod, resources } from '#api';
import { FakeCluster, apiError, deployment, node, pod, replicaSet, settle } from '../index';

const key = { namespace: 'default', name: 'a' };

describe('FakeCluster', () => {
  it('keeps the rules of writes: versions, UIDs, generation, status apart from spec', async () => {
    const { client } = new FakeCluster();
    const created = await client.create(resources.pods, pod('a').ready().build());
    expect(created).toMatchObject({ metadata: { uid: 'uid-1', generation: 1 }, status: { phase: 'Pending' } });
    const updated = await client.update<Pod>(resources.pods, {
      ...created,
      spec: { ...created.spec!, nodeName: 'n1' },
    });
    expect(updated).toMatchObject({
      metadata: { generation: 2 },
      spec: { nodeName: 'n1' },
      status: { phase: 'Pending' },
    });
    await expect(client.update(resources.pods, created)).rejects.toMatchObject({ reason: 'Conflict' });
    await expect(client.create(resources.pods, created)).rejects.toMatchObject({ reason: 'AlreadyExists' });
    const status = { ...updated, spec: undefined, status: { phase: 'Running' } };
    expect(await client.update<Pod>(resources.pods, status as never, { subresource: 'status' })).toMatchObject({
      metadata: { generation: 2 },
      spec: { nodeName: 'n1' },
      status: { phase: 'Running' },
    });
    await expect(client.delete(resources.pods, key, { preconditions: { uid: 'other' } })).rejects.toMatchObject({
      code: 409,
    });
    await client.delete(resources.pods, key);
    await expect(client.get(resources.pods, key)).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('writes nothing where nothing changes', async () => {
    const cluster = new FakeCluster().add(pod('a'));
    const before = await cluster.client.get(resources.pods, key);
    expect(await cluster.client.update(resources.pods, before)).toBe(before);
  });

  it('keeps what has finalizers, and terminating pods when asked', async () => {
    const cluster = new FakeCluster().add(deployment('a').finalizers('x'), pod('a'));
    cluster.hasGracefulPods = true;
    await cluster.client.delete(resources.deployments, key);
    await cluster.client.delete(resources.pods, key);
    const waiting = cluster.get(resources.deployments, 'default/a')!;
    expect(waiting.metadata?.deletionTimestamp).toBe('2026-01-01T00:00:00Z');
    await cluster.client.update(resources.deployments, {
      ...waiting,
      metadata: { ...waiting.metadata, finalizers: [] },
    });
    expect(cluster.get(resources.deployments, 'default/a')).toBeUndefined();
    expect(cluster.get(resources.pods, 'default/a')?.metadata?.deletionTimestamp).toBeDefined();
    cluster.finish();
    expect(cluster.list(resources.pods)).toEqual([]);
  });

  it('patches: merge, json, and strategic by merge key', async () => {
    const { client } = new FakeCluster().add(pod('a').ready().labels({ x: '1', y: '2' }));
    await client.patch(resources.pods, key, 'merge', { metadata: { labels: { x: null } } });
    await client.patch(resources.pods, key, 'json', [{ op: 'add', path: '/metadata/labels/a~1b', value: 'c' }]);
    const status = {
      conditions: [
        { type: 'Ready', status: 'False' },
        { type: 'New', status: 'True' },
      ],
    };
    const patched = await client.patch(resources.pods, key, 'strategic', { status }, { subresource: 'status' });
    expect(patched.metadata?.labels).toEqual({ y: '2', 'a/b': 'c' });
    expect(patched.status?.conditions?.map(({ type, status: value }) => `${type}=${value}`)).toEqual([
      'Ready=False',
      'New=True',
    ]);
    const wrong = [{ op: 'test', path: '/metadata/name', value: 'b' }];
    await expect(client.patch(resources.pods, key, 'json', wrong)).rejects.toMatchObject({ reason: 'Invalid' });
  });

  it('records writes, not what the test does, and fails on demand', async () => {
    const cluster = new FakeCluster().add(replicaSet('web'), node('n1').ready());
    const { client } = cluster;
    await client.create(resources.pods, pod('a').build());
    await client.createSubresource(resources.pods, key, 'binding', { target: { name: 'n1' } });
    cluster.failNext('delete', resources.pods, apiError(500, 'InternalError'));
    await expect(client.delete(resources.pods, key)).rejects.toMatchObject({ code: 500 });
    await client.delete(resources.pods, key);
    expect(cluster.takeWrites()).toEqual([
      'create pods default/a',
      'create pods/binding default/a',
      'delete pods default/a',
    ]);
    expect(cluster.takeWrites()).toEqual([]);
  });

  it('has informers that follow, are held and released, and pick by field', async () => {
    const cluster = new FakeCluster().add(pod('a').on('n1'));
    const all = cluster.informers.informer(resources.pods);
    const onN1 = cluster.informers.informer(resources.pods, { fieldSelector: 'spec.nodeName=n1' });
    const names = (informer: typeof all) => informer.lister.list().map(({ metadata }) => metadata?.name);
    expect([names(all), names(onN1)]).toEqual([['a'], ['a']]);
    cluster.hold();
    const { metadata } = await cluster.client.create(resources.pods, pod('b').build());
    expect(names(all)).toEqual(['a']);
    let hasCaughtUp = false;
    const waiting = all.waitFor(Number(metadata?.resourceVersion)).then(() => (hasCaughtUp = true));
    await settle();
    expect(hasCaughtUp).toBe(false);
    cluster.release();
    await waiting;
    expect([names(all), names(onN1)]).toEqual([['a', 'b'], ['a']]);
  });
});
