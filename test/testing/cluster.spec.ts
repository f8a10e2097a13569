import { resources as api } from '#api';
import { createHttpClient } from '#client';
import { leaseElector } from '#controller';
import { ApiError, type KubernetesObject, systemClock } from '#machinery';
import { readKubeconfig } from '#pki';
import { silentLogger } from '#telemetry';
import fc from 'fast-check';
import { access, readFile } from 'node:fs/promises';
import { Cluster, type Deployment, type Node, resources } from 'nestor/testing';

const deployment = (name: string, replicas: number, annotations: Record<string, string> = {}): KubernetesObject => {
  const spec = {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name }, annotations },
      spec: { containers: [{ name: 'c', image: 'nginx' }] },
    },
  };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec } as KubernetesObject;
};
const inDefault = { namespace: 'default' };

// An hour of the cluster's takes some seconds of the machine's, more where it is busy.

let cluster: Cluster;
beforeEach(async () => {
  cluster = await Cluster.start({ nodes: 2 });
});
afterEach(() => cluster.stop());

test('what is applied is there, and becomes ready', async () => {
  const [applied] = await cluster.apply<Deployment>(deployment('web', 3));
  expect(applied?.metadata?.managedFields).toMatchObject([{ manager: 'nestor-testing', operation: 'Apply' }]);
  const web = await cluster.waitFor<Deployment>('deploy/web', 'Available');
  expect(web.status?.readyReplicas).toBe(3);
  await cluster.waitFor({ kind: 'Deployment', name: 'web' }, ({ metadata }) => metadata?.name === 'web');
  await cluster.client.delete(resources.deployments, { ...inDefault, name: 'web' });
  await cluster.waitFor('deployments.apps/web', 'deleted');
});

test('several documents of several kinds, in order', async () => {
  const applied = await cluster.apply(`
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: a, namespace: shop }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: reader }
rules: []
`);
  expect(applied.map(({ kind }) => kind)).toEqual(['Namespace', 'ConfigMap', 'ClusterRole']);
  expect(await cluster.client.get(resources.configMaps, { namespace: 'shop', name: 'a' })).toMatchObject({
    kind: 'ConfigMap',
  });
});

test('errors are those of the API, or say what is wrong', async () => {
  const missing = cluster.client.get(resources.pods, { ...inDefault, name: 'none' });
  await expect(missing).rejects.toBeInstanceOf(ApiError);
  await expect(missing).rejects.toMatchObject({ reason: 'NotFound', code: 404 });
  await expect(
    cluster.apply('apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n'),
  ).rejects.toMatchObject({
    reason: 'Invalid',
  });
  await expect(cluster.apply('apiVersion: v7\nkind: Wish\nmetadata: {name: a}\n')).rejects.toThrow(
    /has no resource v7 Wish/,
  );
  await expect(cluster.waitFor('wish/a', 'Granted')).rejects.toThrow('has no resource wish');
  await expect(cluster.stopNode('node-9')).rejects.toThrow('there is no node node-9, only node-1, node-2');
  await expect(cluster.advance('soon')).rejects.toThrow('is no duration');
});

test('a wait that is in vain tells conditions and events', async () => {
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'big' },
    spec: { containers: [{ name: 'c', image: 'nginx', resources: { requests: { cpu: '5000' } } }] },
  });
  await cluster.waitFor('pod/big', 'PodScheduled=False');
  await cluster.advance('5s');
  const waiting = cluster.waitFor('pod/big', 'Ready', { timeoutMs: 50 });
  await expect(waiting).rejects.toThrow('pod default/big is not Ready after 50 ms');
  await expect(waiting).rejects.toThrow('PodScheduled=False Unschedulable: 0/2 nodes are available');
  await expect(waiting).rejects.toThrow('Warning FailedScheduling Pod/big: 0/2 nodes are available');
  const failing = cluster.waitFor('pod/big', () => {
    throw new RangeError('of the predicate');
  });
  await expect(failing).rejects.toThrow(RangeError);
});

test('HTTPS with the kubeconfig, from text and from a file that goes away', async () => {
  const path = await cluster.writeKubeconfig();
  expect(await readFile(path, 'utf8')).toBe(cluster.kubeconfig);
  const { server, authorityPem: ca, credentials } = readKubeconfig(cluster.kubeconfig);
  if ('token' in credentials) throw new Error('certificates are expected');
  const { certificatePem: cert, keyPem: key } = credentials;
  const client = createHttpClient({
    server,
    ca,
    cert,
    key,
    clock: systemClock,
    random: Math.random,
    userAgent: 'test',
  });
  await cluster.advance('10m');
  expect((await client.list(api.nodes)).items).toHaveLength(2);
  await client.close();
  await cluster.stop();
  await expect(access(path)).rejects.toThrow('ENOENT');
});

test("a Deployment's progress deadline passes", async () => {
  await cluster.apply(deployment('slow', 1, { 'nestor.dev/fake-start-delay': '20m' }));
  await cluster.advance('9m');
  const progressing = (object: Deployment) =>
    object.status?.conditions?.find(({ type }) => type === 'Progressing')?.reason;
  const key = { ...inDefault, name: 'slow' };
  expect(progressing((await cluster.client.get(resources.deployments, key)) as Deployment)).toBe('ReplicaSetUpdated');
  await cluster.advance('2m');
  expect(progressing((await cluster.client.get(resources.deployments, key)) as Deployment)).toBe(
    'ProgressDeadlineExceeded',
  );
});

test('a node that falls silent is found out, and its pods move', async () => {
  await cluster.apply(deployment('web', 4));
  await cluster.waitFor('deployment/web', 'Available');
  await cluster.stopNode('node-2');
  await cluster.advance('1m');
  const node = (await cluster.client.get(resources.nodes, { namespace: '', name: 'node-2' })) as Node;
  expect(node.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'Unknown' }));
  expect(node.spec?.taints).toContainEqual(
    expect.objectContaining({ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }),
  );
  await cluster.advance('6m');
  const { items } = await cluster.client.list(resources.pods, inDefault);
  const alive = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  expect(alive.map(({ spec, status }) => `${spec?.nodeName} ${status?.phase}`)).toEqual(
    Array(4).fill('node-1 Running'),
  );
});

test('events expire after an hour', async () => {
  await cluster.apply(deployment('web', 1));
  await cluster.advance('10s');
  expect((await cluster.client.list(resources.events, inDefault)).items).not.toHaveLength(0);
  await cluster.advance('62m');
  expect((await cluster.client.list(resources.events, inDefault)).items).toHaveLength(0);
});

test('tokens live by the same clock', async () => {
  const key = { ...inDefault, name: 'default' };
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 1200 } };
  const { status } = await cluster.client.createSubresource<object, { status: { token: string } }>(
    resources.serviceAccounts,
    key,
    'token',
    request,
  );
  const review = async (): Promise<boolean | undefined> => {
    const spec = { token: status.token };
    return (await cluster.client.create(resources.tokenReviews, { spec })).status?.authenticated;
  };
  await cluster.advance('19m');
  expect(await review()).toBe(true);
  await cluster.advance('2m');
  expect(await review()).not.toBe(true);
});

test('an elector under test that shares the clock takes over from one that is gone', async () => {
  const { client, clock } = cluster;
  const lease = { ...inDefault, name: 'leader' };
  const spec = { holderIdentity: 'gone', leaseDurationSeconds: 15 };
  await client.create(resources.leases, { metadata: lease, spec: { ...spec, leaseTransitions: 0 } });
  const elector = leaseElector({ client, clock, random: Math.random, lease, identity: 'here', logger: silentLogger() });
  const terms: string[] = [];
  const running = elector.run(async (signal) => {
    terms.push('here');
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  });
  await cluster.advance('10s');
  expect(terms).toEqual([]);
  await cluster.advance('10s');
  expect(terms).toEqual(['here']);
  await elector.stop();
  await running;
});

test('an advance ends when all is done: what was asked for is there, without waiting', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 4 }), async (scales) => {
      for (const replicas of scales) await cluster.apply(deployment('web', replicas));
      await cluster.advance('40s');
      const wanted = scales.at(-1) ?? 0;
      const web = (await cluster.client.get(resources.deployments, { ...inDefault, name: 'web' })) as Deployment;
      expect(web.status?.replicas ?? 0).toBe(wanted);
      expect(web.status?.readyReplicas ?? 0).toBe(wanted);
      expect((await cluster.client.list(resources.pods, inDefault)).items).toHaveLength(wanted);
    }),
    { numRuns: 5 },
  );
});

test('clusters know nothing of each other, and stop more than once', async () => {
  const other = await Cluster.start({ nodes: 0 });
  expect(other.nodes).toEqual([]);
  await other.apply(deployment('web', 1));
  await expect(cluster.client.get(resources.deployments, { ...inDefault, name: 'web' })).rejects.toMatchObject({
    code: 404,
  });
  await other.waitFor('deployment/web', 'Available=False');
  await Promise.all([other.stop(), other.stop()]);
  await other.stop();
});

test('how many nodes has to make sense', async () => {
  await expect(Cluster.start({ nodes: -1 })).rejects.toThrow('number of nodes');
  await expect(Cluster.start({ nodes: 1.5 })).rejects.toThrow('number of nodes');
});
