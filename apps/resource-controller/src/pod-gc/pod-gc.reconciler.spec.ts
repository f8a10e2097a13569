import { resources } from '#api';
import { FakeCluster, node, pod, type ReconcilerRun, startReconciler } from '#testing';
import { PodGcReconciler } from './pod-gc.reconciler';

describe('pod garbage collection', () => {
  let cluster: FakeCluster;
  let run: ReconcilerRun;

  const start = async (terminatedPodThreshold?: number): Promise<void> => {
    const config = { clientAs: () => cluster.client, rootCa: '', terminatedPodThreshold };
    run = startReconciler(cluster, new PodGcReconciler(cluster.dependencies(), config));
    await run.settled();
  };
  const pods = (): string[] =>
    cluster.informers
      .informer(resources.pods)
      .lister.list()
      .map(({ metadata }) => metadata!.name!)
      .sort();

  beforeEach(() => (cluster = new FakeCluster()));
  afterEach(() => run.stop());

  it('removes pods of a node that has been gone for forty seconds, as failed', async () => {
    cluster.add(node('n1'), pod('a').on('n1').phase('Running'), pod('b').on('n2').phase('Running'));
    await start();
    expect(cluster.takeWrites()).toEqual([]);
    await cluster.clock.advance(40_000);
    await run.settled();
    const [status, removal] = cluster.takeWriteDetails();
    expect(status).toMatchObject({
      key: 'default/b',
      body: {
        status: {
          phase: 'Failed',
          conditions: [{ type: 'DisruptionTarget', message: 'PodGC: node no longer exists' }],
        },
      },
    });
    expect(removal).toMatchObject({ verb: 'delete', key: 'default/b' });
    expect(pods()).toEqual(['a']);
  });

  it('spares them if the node comes (back) in time', async () => {
    cluster.add(pod('b').on('n2').phase('Running'));
    await start();
    cluster.add(node('n2'));
    await cluster.clock.advance(60_000);
    await run.settled();
    expect(cluster.takeWrites()).toEqual([]);
  });

  it('removes a terminating pod that has no node', async () => {
    cluster.add(pod('a').with((object) => (object.metadata!.deletionTimestamp = '2026-01-01T00:00:00Z')));
    await start();
    expect(pods()).toEqual([]);
  });

  it('removes terminating pods of a node that is out of service', async () => {
    cluster.add(node('n1').taint('node.kubernetes.io/out-of-service', 'NoExecute'));
    cluster.add(
      pod('a').on('n1'),
      pod('b')
        .on('n1')
        .with((object) => (object.metadata!.deletionTimestamp = '2026-01-01T00:00:00Z')),
    );
    await start();
    expect(pods()).toEqual(['a']);
  });

  it('keeps no more finished pods than allowed, the newest', async () => {
    cluster.add(node('n1'));
    for (const [name, day] of [
      ['a', 3],
      ['b', 1],
      ['c', 2],
    ] as const) {
      cluster.add(
        pod(name)
          .on('n1')
          .phase('Succeeded')
          .with((object) => (object.metadata!.creationTimestamp = `2026-01-0${day}T00:00:00Z`)),
      );
    }
    await start(2);
    expect(pods()).toEqual(['a', 'c']);
  });
});
