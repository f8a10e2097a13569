import { Cluster, type Deployment, resources } from 'nestor/testing';

export async function use(): Promise<number | undefined> {
  const cluster: Cluster = await Cluster.start({ nodes: 1 });
  const { spec } = await cluster.client.get(resources.deployments, { namespace: 'default', name: 'web' });
  // @ts-expect-error -- objects are typed
  void spec?.replicsa;
  // @ts-expect-error -- and not to be changed
  if (spec) spec.replicas = 3;
  const web = await cluster.waitFor<Deployment>('deployment/web', ({ status }) => status?.readyReplicas === 1);
  const gone: undefined = await cluster.waitFor('deployment/web', 'deleted');
  return gone ?? web.spec?.replicas;
}
