import { resources } from '#api';
import { apiError, FakeCluster } from '#testing';
import { silentLogger, type RunningComponent } from '#telemetry';
import { announceDns } from '../index';

const clusterIp = '10.96.0.10';
const started: RunningComponent[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function replica(cluster: FakeCluster, name: string, port = 53): Promise<RunningComponent> {
  const running = await announceDns(
    { clusterIp, replica: name, endpoints: [{ address: `10.244.0.${name.length}`, port }] },
    { client: cluster.client, clock: cluster.clock, random: () => 0.5, logger: silentLogger() },
  );
  started.push(running);
  return running;
}

const slices = (cluster: FakeCluster): (string | undefined)[] =>
  cluster
    .list(resources.endpointSlices)
    .map(({ metadata }) => metadata?.name)
    .sort();

test('the service leads to every replica', async () => {
  const cluster = new FakeCluster();
  await replica(cluster, 'a');
  await replica(cluster, 'bb');
  expect(cluster.get(resources.services, 'kube-system/kube-dns')).toMatchObject({ spec: { clusterIP: clusterIp } });
  expect(slices(cluster)).toEqual(['kube-dns-a', 'kube-dns-bb']);
  expect(cluster.get(resources.endpointSlices, 'kube-system/kube-dns-bb')).toMatchObject({
    metadata: { labels: { 'kubernetes.io/service-name': 'kube-dns' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.244.0.2'] }],
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ],
  });
});

test('nothing is written again that stands there, and what somebody removes comes back', async () => {
  const cluster = new FakeCluster();
  await replica(cluster, 'a');
  cluster.takeWrites();
  await cluster.clock.advance(11_000);
  expect(cluster.takeWrites()).toEqual(['patch leases.coordination.k8s.io kube-system/kube-dns-a']);
  cluster.remove(resources.endpointSlices, 'kube-system/kube-dns-a');
  cluster.remove(resources.services, 'kube-system/kube-dns');
  await cluster.clock.advance(11_000);
  expect(slices(cluster)).toEqual(['kube-dns-a']);
  expect(cluster.get(resources.services, 'kube-system/kube-dns')).toBeDefined();
});

test('a replica that comes back has its slice again, with its new port', async () => {
  const cluster = new FakeCluster();
  await replica(cluster, 'a');
  await replica(cluster, 'a', 5300);
  expect(slices(cluster)).toEqual(['kube-dns-a']);
  expect(cluster.get(resources.endpointSlices, 'kube-system/kube-dns-a')?.ports?.[0]?.port).toBe(5300);
});

test('a replica that stops takes itself off', async () => {
  const cluster = new FakeCluster();
  await replica(cluster, 'a');
  const second = await replica(cluster, 'bb');
  await second.stop();
  expect(slices(cluster)).toEqual(['kube-dns-a']);
  expect(cluster.get(resources.leases, 'kube-system/kube-dns-bb')).toBeUndefined();
});

test('a replica that died is taken off by the others, and not sooner than it could be back', async () => {
  const cluster = new FakeCluster();
  const dead = new FakeCluster({ clock: cluster.clock });
  await replica(dead, 'bb');
  cluster.add(
    dead.get(resources.endpointSlices, 'kube-system/kube-dns-bb') as never,
    dead.get(resources.leases, 'kube-system/kube-dns-bb') as never,
  );
  await replica(cluster, 'a');
  await cluster.clock.advance(45_000);
  expect(slices(cluster)).toEqual(['kube-dns-a', 'kube-dns-bb']);
  await cluster.clock.advance(20_000);
  expect(slices(cluster)).toEqual(['kube-dns-a']);
});

test('an API that is away is waited for', async () => {
  const cluster = new FakeCluster();
  await replica(cluster, 'a');
  cluster.remove(resources.endpointSlices, 'kube-system/kube-dns-a');
  cluster.failNext('patch', resources.leases, apiError(503, 'ServiceUnavailable'));
  await cluster.clock.advance(11_000);
  expect(slices(cluster)).toEqual([]);
  await cluster.clock.advance(11_000);
  expect(slices(cluster)).toEqual(['kube-dns-a']);
});

test('with a signal, a start without an answer is tried again until there is one', async () => {
  const cluster = new FakeCluster();
  for (let i = 0; i < 3; i++) cluster.failNext('patch', resources.leases, apiError(503, 'ServiceUnavailable'));
  const { client, clock } = cluster;
  const options = { clusterIp, replica: 'a', endpoints: [{ address: '10.244.0.1', port: 53 }] };
  const { signal } = new AbortController();
  const starting = announceDns(options, { client, clock, random: () => 0.5, logger: silentLogger(), signal });
  await clock.advance(2_000);
  expect(slices(cluster)).toEqual([]);
  await clock.advance(1_500);
  started.push(await starting);
  expect(slices(cluster)).toEqual(['kube-dns-a']);
});

test('the signal ends a start that waits', async () => {
  const cluster = new FakeCluster();
  cluster.failNext('patch', resources.leases, apiError(503, 'ServiceUnavailable'));
  const { client, clock } = cluster;
  const stopping = new AbortController();
  const starting = announceDns(
    { clusterIp, replica: 'a', endpoints: [{ address: '10.244.0.1', port: 53 }] },
    { client, clock, random: () => 0.5, logger: silentLogger(), signal: stopping.signal },
  );
  await clock.advance(500);
  stopping.abort(new Error('told to stop'));
  await expect(starting).rejects.toThrow('told to stop');
  expect(clock.pending).toBe(0);
});
