import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resources } from '#api';
import { type ClosableObjectClient } from '#client';
import { eventually } from '../tools/eventually';
import { describeWith } from '../tools/requirements';
import { informersAgree } from './agreement';
import { ClusterLoad, deploymentOf } from './load';
import { ProcessCluster } from './process-cluster';
import { isWhole } from './wholeness';

const one = { gateway: 1, scheduler: 1, 'deployment-controller': 1, 'replicaset-controller': 1 };
const rest = { 'resource-controller': 1, 'node-controller': 1, 'service-controller': 1 };
const namespace = 'default';

/**
 * The main job by many processes: the same on whatever keeps the state.
 * @param megabytes size of an object that it takes
 */
function mainJob(store: 'nestor' | 'etcd', megabytes: number): void {
  jest.setTimeout(240_000);
  let cluster: ProcessCluster;
  let api: ClosableObjectClient;
  let watch: ChildProcess;
  let watched = '';

  const kubectl = (...args: string[]): Promise<string> => cluster.kubectl(...args);
  const configMap = (name: string): Promise<unknown> =>
    api.create(resources.configMaps, { metadata: { namespace, name, labels: { watched: 'yes' } } });

  beforeAll(async () => {
    cluster = await ProcessCluster.start({ store, replicas: { ...one, ...rest } });
    api = cluster.client();
    // kubectl ends with its watch: that it goes on shows that the gateway's does.
    watch = await cluster.kubectlStream(0, 'get', 'configmaps', '-l', 'watched=yes', '--watch', '-o', 'name');
    watch.stdout?.on('data', (chunk) => (watched += String(chunk)));
  });
  afterAll(async () => {
    watch?.kill();
    await api?.close();
    await cluster?.stop();
  });

  it('runs, scales and rolls out a deployment', async () => {
    await api.create(resources.deployments, deploymentOf('web', 3));
    await isWhole(cluster, api);
    await kubectl('scale', 'deployment/web', '--replicas=5');
    await isWhole(cluster, api);
    await kubectl('set', 'image', 'deployment/web', 'web=web:2');
    expect(await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')).toContain('successfully rolled out');
    await isWhole(cluster, api);
    const images = await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.containers[*].image}');
    expect(images).toBe(Array.from({ length: 5 }, () => 'web:2').join(' '));
  });

  it('finds the pods behind a service', async () => {
    await kubectl('expose', 'deployment', 'web', '--port=80');
    const addresses = '{.items[*].status.podIP}';
    const wanted = (await kubectl('get', 'pods', '-l', 'app=web', '-o', `jsonpath=${addresses}`)).split(' ').sort();
    await eventually(async () => {
      const selector = 'kubernetes.io/service-name=web';
      const { items } = await api.list(resources.endpointSlices, { namespace, labelSelector: selector });
      expect(items.flatMap(({ endpoints }) => endpoints?.flatMap((each) => each.addresses) ?? []).sort()).toEqual(
        wanted,
      );
    });
  });

  it('deletes a namespace with everything in it', async () => {
    await kubectl('create', 'namespace', 'gone');
    await kubectl('create', 'configmap', 'a', '-n', 'gone');
    await kubectl('create', 'deployment', 'b', '--image=b:1', '-n', 'gone');
    await isWhole(cluster, api);
    await kubectl('delete', 'namespace', 'gone', '--timeout=60s');
    await expect(kubectl('get', 'namespace', 'gone')).rejects.toThrow('NotFound');
    await isWhole(cluster, api);
  });

  it(`takes an object of ${megabytes} MiB, and brings it to controllers`, async () => {
    const { metadata, spec } = deploymentOf('large', 0);
    const value = 'x'.repeat(megabytes << 20);
    const container = { name: 'web', image: 'web:1', env: [{ name: 'LARGE', value }] };
    const template = { ...spec?.template, spec: { containers: [container] } };
    const selector = spec?.selector ?? {};
    await api.create(resources.deployments, { metadata, spec: { replicas: 0, selector, template } });
    await eventually(async () => {
      const { items } = await api.list(resources.replicaSets, { namespace, labelSelector: 'app=large' });
      expect(items.map((one) => one.spec?.template?.spec?.containers[0]?.env?.[0]?.value === value)).toEqual([true]);
    });
    await api.delete(resources.deployments, { namespace, name: 'large' });
  });

  it('goes on when the store is killed and started again, and so do watches', async () => {
    for (let n = 0; n < 5; n++) await configMap(`before-${n}`);
    const load = new ClusterLoad(api, ['web'], Math.random, 'written');
    for (let life = 0; life < 2; life++) {
      const before = load.report.written.length;
      await eventually(() => expect(load.report.written.length).toBeGreaterThan(before + 5));
      await cluster.restart('store');
    }
    const { failures, written } = await load.stop();
    expect(failures).toEqual([]);
    await isWhole(cluster, api);
    for (let n = 0; n < 5; n++) await configMap(`after-${n}`);
    const names = new Set((await api.list(resources.configMaps, { namespace })).items.map((one) => one.metadata?.name));
    expect(written.filter((name) => !names.has(name))).toEqual([]);

    const wanted = ['before', 'after'].flatMap((when) => [0, 1, 2, 3, 4].map((n) => `configmap/${when}-${n}`));
    await eventually(() => expect(watched.trim().split('\n')).toEqual(wanted));
  });

  it('has every informer agree with the API, object by object', async () => {
    expect(await informersAgree(cluster, api)).toBeGreaterThan(15);
  });

  it('stops', async () => {
    const exited = once(watch, 'exit');
    watch.kill();
    await exited;
    expect(await cluster.stopProcess('gateway-0')).toBe(0);
  });
}

describeWith(['nats'], 'the main job, on our store', () => mainJob('nestor', 1));
// Started with --max-request-bytes: without, it takes as much as ours.
describeWith(['nats', 'etcd'], 'the main job, on a real etcd', () => mainJob('etcd', 2));
