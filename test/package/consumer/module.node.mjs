import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cluster, resources } from 'nestor/testing';

test('a cluster from an ES module', async () => {
  const listeners = process.eventNames().map((name) => [name, process.listenerCount(name)]);
  const cluster = await Cluster.start();
  const { items } = await cluster.client.list(resources.nodes);
  assert.equal(items.length, 1);
  assert.deepEqual(
    process.eventNames().map((name) => [name, process.listenerCount(name)]),
    listeners,
  );
  await cluster.stop();
});
