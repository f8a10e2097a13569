import { type Lease, resources } from '#api';
import { FakeCluster, node, pod, type ReconcilerRun, startReconciler } from '#testing';
import { NodeLifecycleReconciler } from './node-lifecycle.reconciler';

const lease = (name: string): Lease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace: 'kube-node-lease' },
  spec: { renewTime: '2026-01-01T00:00:00.000000Z' },
});

describe('node lifecycle', () => {
  let cluster: FakeCluster;
  let run: ReconcilerRun;

  const start = async (): Promise<void> => {
    const config = { clientAs: () => cluster.client, clusterCidr: '10.244.0.0/16' };
    run = startReconciler(cluster, new NodeLifecycleReconciler(cluster.dependencies(), config));
    await run.settled();
  };
  const pass = async (ms: number): Promise<void> => {
    await cluster.clock.advance(ms);
    await run.settled();
  };
  const taints = (name: string): string[] =>
    (cluster.get(resources.nodes, name)?.spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
  const condition = (name: string, type: string): string | undefined =>
    cluster.get(resources.nodes, name)?.status?.conditions?.find((one) => one.type === type)?.status;

  beforeEach(() => (cluster = new FakeCluster()));
  afterEach(() => run.stop());

  it('leaves a ready node alone', async () => {
    cluster.add(node('n1').ready());
    await start();
    expect(cluster.takeWrites()).toEqual([]);
  });

  it('turns conditions into taints and back, and keeps the taints of others', async () => {
    cluster.add(node('n1').condition('Ready', 'False').condition('DiskPressure', 'True').taint('mine', 'NoSchedule'));
    await start();
    expect(taints('n1')).toEqual([
      'mine:NoSchedule',
      'node.kubernetes.io/not-ready:NoSchedule',
      'node.kubernetes.io/not-ready:NoExecute',
      'node.kubernetes.io/disk-pressure:NoSchedule',
    ]);
    cluster.edit(resources.nodes, 'n1', (object) => (object.status!.conditions = [{ type: 'Ready', status: 'True' }]));
    await run.settled();
    expect(taints('n1')).toEqual(['mine:NoSchedule']);
  });

  it('taints a cordoned node', async () => {
    cluster.add(node('n1').ready().unschedulable());
    await start();
    expect(taints('n1')).toEqual(['node.kubernetes.io/unschedulable:NoSchedule']);
  });

  it('declares a silent node unknown after fifty seconds, and its pods not ready', async () => {
    cluster.add(node('n1').ready(), pod('a').on('n1').ready());
    await start();
    await pass(49_000);
    expect(condition('n1', 'Ready')).toBe('True');
    await pass(1_000);
    expect(['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => condition('n1', type))).toEqual(
      Array(4).fill('Unknown'),
    );
    expect(taints('n1')).toContain('node.kubernetes.io/unreachable:NoExecute');
    expect(cluster.get(resources.pods, 'default/a')?.status?.conditions).toMatchObject([
      { type: 'Ready', status: 'False' },
    ]);
    expect(cluster.events).toEqual([
      'Normal NodeNotReady Node/n1: Node n1 status is now: NodeNotReady',
      'Warning NodeNotReady Pod/a: Node is not ready',
    ]);
  });

  it('takes a renewed lease for a sign of life, whatever time it says', async () => {
    cluster.add(node('n1').ready(), lease('n1'));
    await start();
    await pass(40_000);
    cluster.edit(
      resources.leases,
      'kube-node-lease/n1',
      (object) => (object.spec!.renewTime = '1999-01-01T00:00:00.000000Z'),
    );
    await pass(40_000);
    expect(condition('n1', 'Ready')).toBe('True');
    await pass(10_000);
    expect(condition('n1', 'Ready')).toBe('Unknown');
  });

  it('counts no time in which this process did not run', async () => {
    cluster.add(node('n1').ready());
    await start();
    await pass(20_000);
    // As after SIGCONT: time has passed, and no timer has fired in it.
    const monotonic = cluster.clock.monotonic.bind(cluster.clock);
    jest.spyOn(cluster.clock, 'monotonic').mockImplementation(() => monotonic() + 3_600_000);
    run.queue.add('n1');
    await run.settled();
    expect(condition('n1', 'Ready')).toBe('True');
    await pass(20_000);
    expect(condition('n1', 'Ready')).toBe('True');
    await pass(15_000);
    expect(condition('n1', 'Ready')).toBe('Unknown');
  });
});
