import { type ReplicaSet, type ReplicationController, resources } from '#api';
import { FakeCluster, apiError, pod, replicaSet, startReconciler } from '#testing';
import { ReplicaSetReconciler } from './replicaset.reconciler';
import { ReplicationControllerReconciler } from './replicationcontroller.reconciler';

const web = replicaSet('web').uid('u-web');
const mine = (name: string) => pod(name).labels({ app: 'web' }).ownedBy(web).on('n1').uid(name);

function setUp(...objects: Parameters<FakeCluster['add']>) {
  const cluster = new FakeCluster().add(...objects);
  const run = startReconciler(cluster, new ReplicaSetReconciler(cluster.dependencies()));
  const status = () => cluster.get(resources.replicaSets, 'default/web')?.status;
  const scale = (replicas: number) =>
    cluster.edit(resources.replicaSets, 'default/web', (set: ReplicaSet) => {
      set.spec!.replicas = replicas;
      set.metadata!.generation = (set.metadata?.generation ?? 0) + 1;
    });
  return { cluster, run, status, scale };
}

const podWrites = (writes: string[]) => writes.filter((write) => / pods /.test(write));

describe('ReplicaSet', () => {
  it('creates pods from its template, says so, and counts them', async () => {
    const { cluster, run, status } = setUp(web.replicas(3));
    await run.settled();
    expect(podWrites(cluster.takeWrites())).toEqual([
      'create pods default/web-00001',
      'create pods default/web-00002',
      'create pods default/web-00003',
    ]);
    expect(cluster.get(resources.pods, 'default/web-00001')).toMatchObject({
      metadata: {
        generateName: 'web-',
        labels: { app: 'web' },
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'ReplicaSet',
            name: 'web',
            uid: 'u-web',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: { containers: [{ name: 'main', image: 'image' }] },
    });
    expect(cluster.events[0]).toBe('Normal SuccessfulCreate ReplicaSet/web: Created pod: web-00001');
    expect(status()).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 0,
      availableReplicas: 0,
      terminatingReplicas: 0,
      observedGeneration: 1,
      conditions: [],
    });
  });

  it('replaces a pod that failed or was deleted', async () => {
    const { cluster, run } = setUp(web.replicas(2), mine('a').ready(), mine('b').phase('Failed'));
    await run.settled();
    expect(podWrites(cluster.takeWrites())).toEqual(['create pods default/web-00001']);
    cluster.hasGracefulPods = true;
    await cluster.client.delete(resources.pods, { namespace: 'default', name: 'a' });
    await run.settled();
    expect(podWrites(cluster.takeWrites())).toEqual(['delete pods default/a', 'create pods default/web-00002']);
    expect(cluster.get(resources.replicaSets, 'default/web')?.status).toMatchObject({
      replicas: 2,
      terminatingReplicas: 1,
    });
    cluster.finish();
    await run.settled();
    expect(podWrites(cluster.takeWrites())).toEqual([]);
    expect(cluster.get(resources.replicaSets, 'default/web')?.status).toMatchObject({
      replicas: 2,
      terminatingReplicas: 0,
    });
  });

  it('deletes what is worth least', async () => {
    const { cluster, run, scale } = setUp(web.replicas(3), mine('a').ready(), mine('b').notReady(), mine('c').ready());
    await run.settled();
    cluster.takeWrites();
    scale(2);
    await run.settled();
    expect(podWrites(cluster.takeWrites())).toEqual(['delete pods default/b']);
    expect(cluster.events).toEqual(['Normal SuccessfulDelete ReplicaSet/web: Deleted pod: b']);
    scale(0);
    await run.settled();
    expect(cluster.list(resources.pods)).toEqual([]);
  });

  it('does nothing twice while its cache is behind', async () => {
    const { cluster, run, scale } = setUp(web.replicas(2), mine('a').ready(), mine('b').ready());
    cluster.hasGracefulPods = true;
    await run.settled();
    cluster.takeWrites();
    scale(3);
    cluster.hold();
    await run.settled();
    run.queue.add('default/web');
    await run.settled();
    expect(podWrites(cluster.takeWrites())).toEqual(['create pods default/web-00001']);
    cluster.release();
    await run.settled();
    expect(podWrites(cluster.takeWrites())).toEqual([]);
    scale(1);
    cluster.hold();
    await run.settled();
    run.queue.add('default/web');
    await run.settled();
    expect(podWrites(cluster.takeWrites())).toHaveLength(2);
    cluster.release();
    await run.settled();
    expect(podWrites(cluster.takeWrites())).toEqual([]);
    expect(
      cluster.list(resources.pods).filter(({ metadata }) => metadata?.deletionTimestamp === undefined),
    ).toHaveLength(1);
  });

  it('reports why it cannot create pods, and recovers', async () => {
    const { cluster, run, status } = setUp(web.replicas(4));
    const message = 'pods "web-00001" is forbidden: exceeded quota: q';
    cluster.failNext('create', resources.pods, apiError(403, 'Forbidden', message));
    await expect(run.settled()).rejects.toThrow(message);
    expect(podWrites(cluster.takeWrites())).toEqual([]);
    expect(status()).toMatchObject({
      replicas: 0,
      conditions: [
        {
          type: 'ReplicaFailure',
          status: 'True',
          reason: 'FailedCreate',
          message,
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
    });
    expect(cluster.events).toEqual([`Warning FailedCreate ReplicaSet/web: Error creating: ${message}`]);
    run.queue.add('default/web');
    await run.settled();
    expect(status()).toMatchObject({ replicas: 4, conditions: [] });
  });

  it('falls silent in a namespace that is going', async () => {
    const { cluster, run } = setUp(web.replicas(1));
    const error = apiError(403, 'Forbidden', 'being terminated');
    error.status.details = { causes: [{ reason: 'NamespaceTerminating' }] };
    cluster.failNext('create', resources.pods, error);
    await run.settled();
    expect(cluster.events.join()).not.toContain('FailedCreate');
  });

  it('adopts orphans and releases strays', async () => {
    const { cluster, run } = setUp(
      web.replicas(2),
      pod('orphan').labels({ app: 'web' }),
      mine('stray').labels({ app: 'x' }),
    );
    await run.settled();
    expect(podWrites(cluster.takeWrites()).sort()).toEqual([
      'create pods default/web-00001',
      'patch pods default/orphan',
      'patch pods default/stray',
    ]);
    cluster.add(pod('late').labels({ app: 'web' }));
    await run.settled();
    expect(podWrites(cluster.takeWrites())).toContain('patch pods default/late');
    expect(cluster.get(resources.replicaSets, 'default/web')?.status?.replicas).toBe(2);
  });

  it('counts a pod as available after minReadySeconds, and looks again then', async () => {
    const set = replicaSet('web')
      .uid('u-web')
      .replicas(2)
      .with((object) => (object.spec!.minReadySeconds = 10));
    const { cluster, run, status } = setUp(
      set,
      mine('a').ready('2026-01-01T00:00:00Z'),
      mine('b').ready('2026-01-01T00:00:04Z'),
    );
    await cluster.clock.advance(5000);
    await run.settled();
    expect(status()).toMatchObject({ readyReplicas: 2, availableReplicas: 0 });
    await cluster.clock.advance(5000);
    await run.settled();
    expect(status()).toMatchObject({ readyReplicas: 2, availableReplicas: 1 });
    await cluster.clock.advance(4000);
    await run.settled();
    expect(status()).toMatchObject({ availableReplicas: 2 });
    run.stop();
    expect(cluster.clock.pending).toBe(0);
  });

  it('leaves the pods of a set that is being deleted to the garbage collector', async () => {
    const { cluster, run } = setUp(replicaSet('web').uid('u-web').replicas(3).terminating(), mine('a').ready());
    await run.settled();
    expect(podWrites(cluster.takeWrites())).toEqual([]);
  });

  it('writes the status of a big set now and then, and its last state always', async () => {
    const { cluster, run, status } = setUp(web.replicas(100));
    await run.settled();
    await cluster.clock.advance(1000);
    await run.settled();
    cluster.takeWrites();
    for (const { metadata } of cluster.list(resources.pods)) {
      cluster.edit(
        resources.pods,
        `default/${metadata?.name}`,
        (object) => (object.status = mine('x').ready().build().status),
      );
      await run.settled();
      await cluster.clock.advance(5);
    }
    await cluster.clock.advance(200);
    await run.settled();
    expect(cluster.takeWrites().length).toBeLessThan(15);
    expect(status()).toMatchObject({ readyReplicas: 100, availableReplicas: 100 });
    run.stop();
  });
});

describe('ReplicationController', () => {
  it('does the same by its map selector', async () => {
    const controller: ReplicationController = {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: { name: 'web', namespace: 'default', generation: 1 },
      spec: { replicas: 2, selector: { app: 'web' }, template: web.build().spec?.template },
    };
    const cluster = new FakeCluster().add(controller, pod('orphan').labels({ app: 'web' }));
    const run = startReconciler(
      cluster,
      new ReplicationControllerReconciler(cluster.dependencies(), { clientAs: () => cluster.client }),
    );
    await run.settled();
    expect(podWrites(cluster.takeWrites())).toEqual(['patch pods default/orphan', 'create pods default/web-00001']);
    const { status } = cluster.get(resources.replicationControllers, 'default/web')!;
    expect(status).toMatchObject({ replicas: 2, fullyLabeledReplicas: 2, observedGeneration: 1 });
    expect(status).not.toHaveProperty('terminatingReplicas');
  });
});
