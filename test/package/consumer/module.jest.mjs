import { Cluster, resources } from 'nestor/testing';

test('a cluster from an ES module, and a second one beside it', async () => {
  const clusters = await Promise.all([Cluster.start(), Cluster.start({ nodes: 0 })]);
  const counts = await Promise.all(clusters.map(({ client }) => client.list(resources.nodes)));
  expect(counts.map(({ items }) => items.length)).toStrictEqual([1, 0]);
  await Promise.all(clusters.map((cluster) => cluster.stop()));
});
