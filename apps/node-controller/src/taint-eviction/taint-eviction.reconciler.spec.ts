import { resources, type Toleration } from '#api';
import { FakeCluster, node, pod, type ReconcilerRun, startReconciler } from '#testing';
import { TaintEvictionReconciler } from './taint-eviction.reconciler';
import { toleranceSeconds } from './tolerance';

const KEY = 'node.kubernetes.io/unreachable';
const tolerating = (name: string, ...tolerations: Toleration[]) =>
  pod(name)
    .on('n1')
    .with((object) => (object.spec!.tolerations = tolerations));

describe('taint eviction', () => {
  let cluster: FakeCluster;
  let run: ReconcilerRun;

  const start = async (): Promise<void> => {
    const config = { clientAs: () => cluster.client, clusterCidr: '10.244.0.0/16' };
    run = startReconciler(cluster, new TaintEvictionReconciler(cluster.dependencies(), config));
    await run.settled();
  };
  const pass = async (seconds: number): Promise<void> => {
    await cluster.clock.advance(seconds * 1000);
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

  it('evicts at once what does not tolerate the taint, later what tolerates it for a time, and never the rest', async () => {
    cluster.add(
      node('n1').taint(KEY, 'NoExecute'),
      tolerating('never'),
      tolerating('for-a-while', { key: KEY, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }),
      tolerating('for-ever', { operator: 'Exists' }),
    );
    await start();
    expect(pods()).toEqual(['for-a-while', 'for-ever']);
    await pass(299);
    expect(pods()).toEqual(['for-a-while', 'for-ever']);
    await pass(1);
    expect(pods()).toEqual(['for-ever']);
    expect(cluster.events).toContain('Normal TaintManagerEviction Pod/never: Marking for deletion Pod default/never');
  });

  it('forgets about it when the taint goes in time', async () => {
    cluster.add(
      node('n1').taint(KEY, 'NoExecute'),
      tolerating('a', { key: KEY, operator: 'Exists', tolerationSeconds: 300 }),
    );
    await start();
    await pass(200);
    cluster.edit(resources.nodes, 'n1', (object) => delete object.spec!.taints);
    await pass(200);
    expect(pods()).toEqual(['a']);
    expect(cluster.events).toEqual(['Normal TaintManagerEviction Pod/a: Cancelling deletion of Pod default/a']);
  });

  it('is not concerned with NoSchedule', async () => {
    cluster.add(node('n1').taint(KEY, 'NoSchedule'), tolerating('a'));
    await start();
    expect(cluster.takeWrites()).toEqual([]);
  });
});

it.each<[string, Toleration[], number]>([
  ['none', [], 0],
  ['one of two taints', [{ key: 'a', operator: 'Exists' }], 0],
  [
    'both, one with a limit',
    [
      { key: 'a', operator: 'Exists', tolerationSeconds: 7 },
      { key: 'b', operator: 'Exists' },
    ],
    7,
  ],
  [
    'both, with two limits',
    [
      { key: 'a', operator: 'Exists', tolerationSeconds: 7 },
      { operator: 'Exists', tolerationSeconds: 3 },
    ],
    3,
  ],
  ['a limit below zero', [{ operator: 'Exists', tolerationSeconds: -5 }], 0],
  ['everything', [{ operator: 'Exists' }], Infinity],
])('tolerating %s', (_, tolerations, seconds) => {
  const taints = ['a', 'b'].map((key) => ({ key, effect: 'NoExecute' }));
  expect(toleranceSeconds(taints, tolerations)).toBe(seconds);
});
