import { type Deployment, type ReplicaSet, resources } from '#api';
import { type Reconciler } from '#controller';
import { type DeepReadonly } from '#machinery';
import { FakeCluster, apiError, deployment, pod, startReconciler } from '#testing';
import { DeploymentReconciler } from './deployment.reconciler';

const web = () => deployment('web').uid('u-web');

/** A cluster with the controller, and a stand-in for the ReplicaSet controller whose pods become available when told. */
function setUp(builder = web()) {
  const cluster = new FakeCluster().add(builder);
  const reconciler: Reconciler = new DeploymentReconciler(cluster.dependencies());
  const run = startReconciler(cluster, reconciler);
  const get = () => cluster.get(resources.deployments, 'default/web')!;
  const sets = () => cluster.list(resources.replicaSets);
  const change = (edit: (object: Deployment) => void) =>
    cluster.edit(resources.deployments, 'default/web', (object: Deployment) => {
      edit(object);
      object.metadata!.generation = (object.metadata?.generation ?? 0) + 1;
    });
  const setImage = (image: string) => change(({ spec }) => (spec!.template.spec!.containers[0]!.image = image));
  /** Every set gets the pods that it asks for; at most `available` of each new one are available. */
  const follow = (limits: Record<string, number> = {}): void => {
    for (const { metadata, spec } of sets()) {
      const replicas = spec?.replicas ?? 0;
      const availableReplicas = Math.min(replicas, limits[imageOf(metadata?.name)] ?? replicas);
      cluster.edit(resources.replicaSets, `default/${metadata?.name}`, (set: ReplicaSet) => {
        const counts = { replicas, readyReplicas: availableReplicas, availableReplicas };
        set.status = { ...counts, terminatingReplicas: 0, observedGeneration: metadata?.generation };
      });
    }
  };
  const imageOf = (name?: string) =>
    cluster.get(resources.replicaSets, `default/${name}`)?.spec?.template?.spec?.containers[0]?.image ?? '';
  /** `image:1`… */
  const sizes = () => Object.fromEntries(sets().map(({ metadata, spec }) => [imageOf(metadata?.name), spec?.replicas]));
  const settle = async (limits?: Record<string, number>): Promise<void> => {
    for (let round = 0; round < 20; round++) {
      await run.settled();
      const before = cluster.takeWrites().length;
      follow(limits);
      await run.settled();
      if (before === 0 && cluster.takeWrites().length === 0) return;
    }
    throw new Error('the rollout does not come to rest');
  };
  const condition = (type: string) => {
    const found = get().status?.conditions?.find((candidate) => candidate.type === type);
    return found === undefined ? undefined : `${found.status} ${found.reason}: ${found.message}`;
  };
  return { cluster, run, get, sets, change, setImage, follow, sizes, settle, condition };
}

const annotationsOf = (set: DeepReadonly<ReplicaSet> | undefined) => set?.metadata?.annotations ?? {};

describe('Deployment', () => {
  it('creates its first ReplicaSet, at full size', async () => {
    const { cluster, run, get, sets, condition } = setUp(web().replicas(3).annotations({ team: 'a' }));
    await run.settled();
    const [set] = sets();
    const hash = set?.metadata?.labels?.['pod-template-hash'] ?? '';
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
    expect(set).toMatchObject({
      metadata: {
        name: `web-${hash}`,
        labels: { app: 'web', 'pod-template-hash': hash },
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            name: 'web',
            uid: 'u-web',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
        annotations: {
          team: 'a',
          'deployment.kubernetes.io/revision': '1',
          'deployment.kubernetes.io/desired-replicas': '3',
          'deployment.kubernetes.io/max-replicas': '4',
        },
      },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: 'web', 'pod-template-hash': hash } },
        template: { metadata: { labels: { app: 'web', 'pod-template-hash': hash } } },
      },
    });
    expect(cluster.events).toEqual([
      `Normal ScalingReplicaSet Deployment/web: Scaled up replica set web-${hash} from 0 to 3`,
    ]);
    expect(get().metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
    expect(get().status).toMatchObject({ observedGeneration: 1, unavailableReplicas: 3 });
    expect(condition('Progressing')).toBe(`True NewReplicaSetCreated: Created new replica set "web-${hash}"`);
    expect(condition('Available')).toBe(
      'False MinimumReplicasUnavailable: Deployment does not have minimum availability.',
    );
  });

  it('is complete when all pods are available', async () => {
    const { get, sets, settle, condition } = setUp(web().replicas(3));
    await settle({ image: 1 });
    expect(condition('Progressing')).toBe(
      `True ReplicaSetUpdated: ReplicaSet "${sets()[0]?.metadata?.name}" is progressing.`,
    );
    await settle();
    expect(get().status).toMatchObject({
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      unavailableReplicas: 0,
    });
    expect(condition('Progressing')).toBe(
      `True NewReplicaSetAvailable: ReplicaSet "${sets()[0]?.metadata?.name}" has successfully progressed.`,
    );
    expect(condition('Available')).toBe('True MinimumReplicasAvailable: Deployment has minimum availability.');
  });

  it('rolls step by step within surge and availability', async () => {
    const { cluster, run, sets, setImage, follow, settle, get } = setUp(web().replicas(4));
    await settle();
    setImage('v2');
    const history: string[] = [];
    for (let step = 0; step < 30; step++) {
      await run.settled();
      const total = sets().reduce((sum, { spec }) => sum + (spec?.replicas ?? 0), 0);
      const available = sets().reduce(
        (sum, { spec, status }) => sum + Math.min(spec?.replicas ?? 0, status?.availableReplicas ?? 0),
        0,
      );
      expect(total).toBeLessThanOrEqual(5);
      expect(available).toBeGreaterThanOrEqual(3);
      const sizes = sets()
        .map(({ spec }) => spec?.replicas)
        .join('/');
      if (history.at(-1) !== sizes) history.push(sizes);
      follow();
    }
    expect(history.at(-1)).toBe('0/4');
    expect(history.length).toBeGreaterThan(2);
    expect(get().metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
    expect(cluster.events.at(-1)).toMatch(/Scaled (up|down) replica set web-\w+ from \d to \d$/);
  });

  it('does not take old pods away while new ones fail, but takes away what is broken', async () => {
    const { setImage, sizes, settle } = setUp(web().replicas(4));
    await settle();
    setImage('broken');
    await settle({ broken: 0 });
    expect(sizes()).toEqual({ image: 3, broken: 2 });
    setImage('v3');
    await settle({ broken: 0 });
    expect(sizes()).toEqual({ image: 0, broken: 0, v3: 4 });
  });

  it('goes back to an old ReplicaSet on undo, which gets a new revision', async () => {
    const { sets, setImage, sizes, settle, get } = setUp(web().replicas(2));
    await settle();
    setImage('v2');
    await settle();
    setImage('image');
    await settle();
    expect(sets()).toHaveLength(2);
    expect(sizes()).toEqual({ image: 2, v2: 0 });
    expect(annotationsOf(sets()[0])).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
    expect(get().metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
  });

  it('keeps as many old ReplicaSets as it is told to', async () => {
    const { sets, setImage, settle } = setUp(
      web()
        .replicas(1)
        .with(({ spec }) => (spec!.revisionHistoryLimit = 2)),
    );
    for (const image of ['v1', 'v2', 'v3', 'v4', 'v5']) {
      setImage(image);
      await settle();
    }
    expect(sets().map((set) => annotationsOf(set)['deployment.kubernetes.io/revision'])).toEqual(['3', '4', '5']);
  });

  it('recreates: the new pods come when the last old one is gone', async () => {
    const builder = web()
      .replicas(2)
      .with(({ spec }) => (spec!.strategy = { type: 'Recreate' }));
    const { cluster, sets, setImage, sizes, settle } = setUp(builder);
    await settle();
    const old = sets()[0]!;
    cluster.add(pod('last').ownedBy(old).terminating());
    setImage('v2');
    await settle();
    expect(sizes()).toEqual({ image: 0 });
    cluster.remove(resources.pods, 'default/last');
    await settle();
    expect(sizes()).toEqual({ image: 0, v2: 2 });
  });

  it('scales at once, and in proportion in the middle of a rollout', async () => {
    const { change, setImage, sizes, settle } = setUp(web().replicas(10));
    await settle();
    change(({ spec }) => (spec!.replicas = 6));
    await settle();
    expect(sizes()).toEqual({ image: 6 });
    change(({ spec }) => (spec!.replicas = 10));
    await settle();
    setImage('broken');
    await settle({ broken: 0 });
    expect(sizes()).toEqual({ image: 8, broken: 5 });
    change(({ spec }) => (spec!.replicas = 20));
    await settle({ broken: 0 });
    expect(sizes()).toEqual({ image: 15, broken: 10 });
  });

  it('only scales while it is paused', async () => {
    const { change, setImage, sizes, settle, condition } = setUp(web().replicas(2));
    await settle();
    change(({ spec }) => (spec!.paused = true));
    setImage('v2');
    await settle();
    expect(sizes()).toEqual({ image: 2 });
    expect(condition('Progressing')).toBe('Unknown DeploymentPaused: Deployment is paused');
    change(({ spec }) => (spec!.replicas = 3));
    await settle();
    expect(sizes()).toEqual({ image: 3 });
    change(({ spec }) => (spec!.paused = false));
    await settle();
    expect(sizes()).toEqual({ image: 0, v2: 3 });
    expect(condition('Progressing')).toContain('True NewReplicaSetAvailable');
  });

  it('reports a rollout that makes no progress by its deadline', async () => {
    const { cluster, run, sets, settle, condition } = setUp(
      web()
        .replicas(1)
        .with(({ spec }) => (spec!.progressDeadlineSeconds = 60)),
    );
    await settle({ image: 0 });
    await cluster.clock.advance(30_000);
    await run.settled();
    expect(condition('Progressing')).toContain('True ReplicaSetUpdated');
    await cluster.clock.advance(40_000);
    await run.settled();
    expect(condition('Progressing')).toBe(
      `False ProgressDeadlineExceeded: ReplicaSet "${sets()[0]?.metadata?.name}" has timed out progressing.`,
    );
    await settle();
    expect(condition('Progressing')).toContain('True NewReplicaSetAvailable');
    run.stop();
    expect(cluster.clock.pending).toBe(0);
  });

  it('takes another name when a stranger has its own, and its own set when the cache did not show it yet', async () => {
    const first = setUp();
    await first.settle();
    const name = first.sets()[0]!.metadata!.name!;

    const { cluster, run, sets, get, settle } = setUp();
    cluster.add({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name, namespace: 'default' } });
    await expect(run.settled()).rejects.toThrow('collision 1');
    expect(get().status?.collisionCount).toBe(1);
    await settle();
    expect(sets()).toHaveLength(2);
    expect(sets()[1]?.metadata?.name).not.toBe(name);

    const late = setUp();
    late.cluster.hold();
    await late.run.settled();
    late.run.queue.add('default/web');
    await late.run.settled().catch((error: unknown) => expect(error).toMatchObject({ reason: 'Conflict' }));
    late.cluster.release();
    await late.settle();
    expect(late.sets()).toHaveLength(1);
    expect(late.get().status?.collisionCount).toBeUndefined();
  });

  it('shows why it cannot go on', async () => {
    const { cluster, run, settle, condition, sets } = setUp();
    cluster.failNext('create', resources.replicaSets, apiError(403, 'Forbidden', 'exceeded quota'));
    await expect(run.settled()).rejects.toThrow('exceeded quota');
    expect(condition('Progressing')).toMatch(
      /^False ReplicaSetCreateError: Failed to create new replica set "web-\w+": exceeded quota$/,
    );
    expect(cluster.events).toEqual([
      expect.stringMatching(/^Warning ReplicaSetCreateError Deployment\/web: Failed to create/),
    ]);
    run.queue.add('default/web');
    await settle({ image: 0 });
    cluster.edit(resources.replicaSets, `default/${sets()[0]?.metadata?.name}`, (set: ReplicaSet) => {
      set.status!.conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'no' }];
    });
    await run.settled();
    expect(condition('ReplicaFailure')).toBe('True FailedCreate: no');
  });

  it('writes nothing when there is nothing to do', async () => {
    const { cluster, run, settle } = setUp(web().replicas(2));
    await settle();
    cluster.takeWrites();
    run.queue.add('default/web');
    await run.settled();
    expect(cluster.takeWrites()).toEqual([]);
  });
});
