import { resources } from '#api';
import { FakeCluster, node, startReconciler } from '#testing';
import { NodeIpamReconciler } from './node-ipam.reconciler';

const reconciler = (cluster: FakeCluster): NodeIpamReconciler =>
  new NodeIpamReconciler(cluster.dependencies(), { clientAs: () => cluster.client, clusterCidr: '10.0.0.0/22' });
const blockOf = (cluster: FakeCluster, name: string): string | undefined =>
  cluster.get(resources.nodes, name)?.spec?.podCIDR;
const having = (name: string, podCIDR: string) => node(name).with((object) => (object.spec = { podCIDR }));

describe('pod CIDRs', () => {
  it('are different for each node, and none that a node already has', async () => {
    const cluster = new FakeCluster().add(node('a'), having('b', '10.0.0.0/24'), node('c'));
    const run = startReconciler(cluster, reconciler(cluster));
    await run.settled();
    const blocks = ['a', 'b', 'c'].map((name) => blockOf(cluster, name));
    expect(new Set(blocks).size).toBe(3);
    expect(blocks[1]).toBe('10.0.0.0/24');
    run.stop();
  });

  it('are not given twice while the cache is behind', async () => {
    const cluster = new FakeCluster().add(node('a'));
    const run = startReconciler(cluster, reconciler(cluster));
    cluster.hold();
    await run.settled();
    cluster.release();
    cluster.add(node('b'));
    await run.settled();
    expect(blockOf(cluster, 'a')).not.toBe(blockOf(cluster, 'b'));
    run.stop();
  });

  it('run out with an event, and are given again when a node goes', async () => {
    const cluster = new FakeCluster().add(...['a', 'b', 'c', 'd', 'e'].map((name) => node(name)));
    const run = startReconciler(cluster, reconciler(cluster));
    await expect(run.settled()).rejects.toThrow('no pod CIDR is left for node e');
    expect(cluster.events).toEqual(['Normal CIDRNotAvailable Node/e: Node e status is now: CIDRNotAvailable']);
    const freed = blockOf(cluster, 'b');
    cluster.remove(resources.nodes, 'b');
    await run.settled();
    run.queue.add('e');
    await run.settled();
    expect(blockOf(cluster, 'e')).toBe(freed);
    run.stop();
  });
});
