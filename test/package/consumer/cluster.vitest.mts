import { Cluster, type Pod, resources } from 'nestor/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster.stop());

test('a pod runs', async () => {
  const spec = { containers: [{ name: 'c', image: 'nginx' }] };
  await cluster.client.create(resources.pods, { metadata: { name: 'a', namespace: 'default' }, spec });
  const pod = await cluster.waitFor<Pod>('pod/a', 'Ready');
  expect(pod.status?.phase).toBe('Running');
});
