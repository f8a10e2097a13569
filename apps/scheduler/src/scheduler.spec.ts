import { type PersistentVolumeClaim, resources } from '#api';
import { apiError, FakeCluster, node, pod, settle } from '#testing';
import { createScheduler } from '../index';
import { type RunningComponent } from '#telemetry';

describe('the scheduler', () => {
  let cluster: FakeCluster;
  let scheduler: RunningComponent | undefined;

  const start = async (): Promise<void> => {
    scheduler = await createScheduler({}, { ...cluster.dependencies(), random: () => 0.99 });
    await quiet();
  };
  /** Scheduling goes on in slices of the event loop: wait until nothing more is written. */
  const quiet = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await settle();
  };

  beforeEach(() => (cluster = new FakeCluster()));
  afterEach(async () => {
    await scheduler?.stop();
    expect(cluster.clock.pending).toBe(0);
  });

  it('binds a pod and says so', async () => {
    cluster.add(node('n1').ready(), pod('a'));
    await start();
    expect(cluster.takeWrites()).toEqual(['create pods/binding default/a']);
    expect(cluster.events).toEqual(['Normal Scheduled Pod/a: Successfully assigned default/a to n1']);
  });

  it('counts pods whose binding is under way: two that fit only apart go to two nodes', async () => {
    const small = { cpu: '1', memory: '1Gi', pods: '10' };
    cluster.add(node('n1').capacity(small), node('n2').capacity(small));
    cluster.add(pod('a').requests({ cpu: '1' }), pod('b').requests({ cpu: '1' }), pod('c').requests({ cpu: '1' }));
    await start();
    const targets = cluster.events
      .filter((event) => event.startsWith('Normal'))
      .map((event) => event.split(' ').at(-1));
    expect(targets.sort()).toEqual(['n1', 'n2']);
    expect(cluster.get(resources.pods, 'default/c')?.status?.conditions).toMatchObject([
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message:
          '0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.',
      },
    ]);
  });

  it('schedules a waiting pod when a node appears', async () => {
    cluster.add(pod('a'));
    await start();
    expect(cluster.events).toEqual(['Warning FailedScheduling Pod/a: no nodes available to schedule pods']);
    cluster.takeWrites();
    cluster.add(node('n1'));
    await cluster.clock.advance(1_000);
    await quiet();
    expect(cluster.takeWrites()).toEqual(['create pods/binding default/a']);
  });

  it('keeps a pod from running before its claims are bound', async () => {
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }];
    const claim = (change: Partial<PersistentVolumeClaim>): PersistentVolumeClaim => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { namespace: 'default', name: 'data', uid: 'claim' },
      spec: {},
      ...change,
    });
    const said = (): (string | undefined)[] =>
      (cluster.get(resources.pods, 'default/a')?.status?.conditions ?? []).map(({ message }) => message);
    const later = async (): Promise<void> => {
      await cluster.clock.advance(10_000);
      await quiet();
    };
    cluster.add(
      node('n1'),
      pod('a').with((object) => (object.spec!.volumes = volumes)),
    );
    await start();
    expect(said()).toEqual(['0/1 nodes are available: persistentvolumeclaim "data" not found. not found']);

    cluster.add(claim({}));
    await later();
    expect(said()).toEqual(['0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found']);

    cluster.takeWrites();
    const annotations = { 'pv.kubernetes.io/bind-completed': 'yes' };
    cluster.add(
      claim({
        metadata: { namespace: 'default', name: 'data', uid: 'claim', annotations },
        spec: { volumeName: 'pv' },
      }),
    );
    await later();
    expect(cluster.takeWrites()).toEqual(['create pods/binding default/a']);
  });

  it('leaves pods of other schedulers and terminating pods alone', async () => {
    cluster.add(
      node('n1'),
      pod('a').with((object) => (object.spec!.schedulerName = 'other')),
    );
    cluster.add(pod('b').with((object) => (object.metadata!.deletionTimestamp = '2026-01-01T00:00:00Z')));
    await start();
    expect(cluster.takeWrites()).toEqual([]);
  });

  it('takes its assumption back when a binding fails, and tries again', async () => {
    cluster.add(node('n1').capacity({ cpu: '1', memory: '1Gi', pods: '1' }), pod('a'));
    cluster.failNext('create', resources.pods, apiError(500, 'InternalError'));
    await start();
    await cluster.clock.advance(1_000);
    await quiet();
    expect(cluster.events).toEqual(['Normal Scheduled Pod/a: Successfully assigned default/a to n1']);
  });
});
