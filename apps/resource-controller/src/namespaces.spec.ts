import { type Namespace, resources } from '#api';
import { type ControllerDependencies, type Reconciler } from '#controller';
import { FakeCluster, startReconciler } from '#testing';
import { type ResourceControllerConfig } from './identities';
import { RootCaReconciler } from './root-ca.reconciler';
import { ServiceAccountReconciler } from './service-account.reconciler';

const namespace = (name: string, phase: string): Namespace => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name },
  status: { phase },
});

type ReconcilerClass = new (dependencies: ControllerDependencies, config: ResourceControllerConfig) => Reconciler;

describe.each<[string, ReconcilerClass, 'serviceAccounts' | 'configMaps', string]>([
  ['the default service account', ServiceAccountReconciler, 'serviceAccounts', 'default'],
  ["the cluster's CA", RootCaReconciler, 'configMaps', 'kube-root-ca.crt'],
])('%s', (_, Class, resource, name) => {
  it('is in every active namespace, and comes back when it is deleted', async () => {
    const cluster = new FakeCluster().add(namespace('a', 'Active'), namespace('b', 'Terminating'));
    const config = { clientAs: () => cluster.client, rootCa: 'PEM' };
    const run = startReconciler(cluster, new Class(cluster.dependencies(), config));
    await run.settled();
    expect(cluster.get(resources[resource] as never, `a/${name}`)).toBeDefined();
    expect(cluster.get(resources[resource] as never, `b/${name}`)).toBeUndefined();
    cluster.remove(resources[resource], `a/${name}`);
    await run.settled();
    expect(cluster.get(resources[resource] as never, `a/${name}`)).toBeDefined();
    run.stop();
  });
});

it("the cluster's CA is put right when somebody changes it", async () => {
  const cluster = new FakeCluster().add(namespace('a', 'Active'));
  const run = startReconciler(
    cluster,
    new RootCaReconciler(cluster.dependencies(), { clientAs: () => cluster.client, rootCa: 'PEM' }),
  );
  await run.settled();
  cluster.edit(resources.configMaps, 'a/kube-root-ca.crt', (configMap) => (configMap.data = { 'ca.crt': 'FORGED' }));
  await run.settled();
  expect(cluster.get(resources.configMaps, 'a/kube-root-ca.crt')?.data).toEqual({ 'ca.crt': 'PEM' });
  run.stop();
});
