import { type EndpointSlice, resources, type Service } from '#api';
import { Registry, silentLogger } from '#telemetry';
import { FakeClock, FakeCluster, settle } from '#testing';
import { type HostNetwork } from './host-network';
import { createServiceProxy, type ServiceProxy } from './service-proxy';

const web: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'default', name: 'web' },
  spec: { clusterIP: '10.96.0.50', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
};

function slice(...numbers: number[]): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: numbers.map((n) => ({ addresses: [`10.244.0.${n}`], targetRef: { kind: 'Pod', uid: `uid-${n}` } })),
  };
}

class FakeNetwork implements HostNetwork {
  readonly scripts: string[] = [];
  prepared = 0;
  hasTable = true;
  failure: Error | undefined;
  gate: Promise<void> | undefined;

  async prepare(): Promise<{ filtersBridges: boolean; hasTable: boolean }> {
    this.prepared++;
    return { filtersBridges: true, hasTable: this.hasTable };
  }

  async apply(script: string): Promise<void> {
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    this.scripts.push(script);
  }

  /** The script applied since the last call: `whole`, `change`, or nothing. */
  take(): string[] {
    return this.scripts.splice(0).map((script) => (script.includes('delete table') ? 'whole' : 'change'));
  }
}

interface Fixture {
  readonly cluster: FakeCluster;
  readonly clock: FakeClock;
  readonly network: FakeNetwork;
  readonly proxy: ServiceProxy;
}

let running: ServiceProxy | undefined;
afterEach(() => running?.stop());

async function start(...objects: (Service | EndpointSlice)[]): Promise<Fixture> {
  const clock = new FakeClock();
  const cluster = new FakeCluster({ clock }).add(...objects);
  const network = new FakeNetwork();
  const proxy = await createServiceProxy(
    { cluster: 't', nodeNames: ['here'], clusterCidr: '10.244.0.0/16', forwarderAddresses: [] },
    {
      informers: cluster.informers,
      network,
      clock,
      random: () => 0.5,
      logger: silentLogger(),
      metrics: new Registry(),
    },
  );
  running = proxy;
  return { cluster, clock, network, proxy };
}

const setEndpoints = (cluster: FakeCluster, ...numbers: number[]): void => {
  cluster.edit(resources.endpointSlices, 'default/web-1', (object) => (object.endpoints = slice(...numbers).endpoints));
};

test('at start the whole table is replaced, then only what changes', async () => {
  const { cluster, clock, network, proxy } = await start(web, slice(1));
  await clock.advance(0);
  expect(network.scripts[0]).toContain('dnat ip to 10.244.0.1:8080');
  expect(network.take()).toEqual(['whole']);
  expect(proxy.problem()).toBeUndefined();

  setEndpoints(cluster, 1, 2);
  await clock.advance(50);
  expect(network.scripts[0]).toContain('0 : 10.244.0.1 . 8080, 1 : 10.244.0.2 . 8080');
  expect(network.take()).toEqual(['change']);
});

test('a burst of changes is applied once; the first after a quiet time at once', async () => {
  const { cluster, clock, network } = await start(web, slice(1));
  await clock.advance(1000);
  network.take();
  setEndpoints(cluster, 2);
  await clock.advance(0);
  expect(network.take()).toEqual(['change']);
  for (let n = 3; n < 20; n++) setEndpoints(cluster, n);
  await clock.advance(49);
  expect(network.take()).toEqual([]);
  await clock.advance(1);
  expect(network.take()).toEqual(['change']);
});

test('what does not matter is not applied', async () => {
  const { cluster, clock, network } = await start(web, slice(1));
  await clock.advance(1000);
  network.take();
  cluster.edit(resources.services, 'default/web', (service) => (service.metadata!.annotations = { a: 'b' }));
  await clock.advance(1000);
  expect(network.take()).toEqual([]);
});

test('a failure is retried with back-off, with the whole table', async () => {
  const { cluster, clock, network, proxy } = await start(web, slice(1));
  await clock.advance(1000);
  network.take();
  network.failure = new Error('nft: no');
  setEndpoints(cluster, 2);
  await clock.advance(0);
  expect(proxy.problem()).toBe('nft: no');
  await clock.advance(300);
  network.failure = undefined;
  await clock.advance(600);
  expect(network.take()).toEqual(['whole']);
  expect(proxy.problem()).toBeUndefined();
});

test('rules that somebody else removed come back', async () => {
  const { clock, network } = await start(web, slice(1));
  await clock.advance(1000);
  network.take();
  network.hasTable = false;
  await clock.advance(61_000);
  expect(network.take()).toEqual(['whole']);
});

describe('before SIGTERM', () => {
  test('waits until rules without the pod are applied', async () => {
    const { clock, network, proxy } = await start(web, slice(1, 2));
    await clock.advance(0);
    network.take();
    let open = (): void => undefined;
    network.gate = new Promise((resolve) => (open = resolve));
    let isDone = false;
    const done = proxy.beforeSigterm({ metadata: { uid: 'uid-1' } }).then(() => (isDone = true));
    await clock.advance(0);
    expect(isDone).toBe(false);
    open();
    await done;
    expect(network.scripts[0]).toContain('dnat ip to 10.244.0.2:8080');
    expect(network.scripts[0]).not.toContain('10.244.0.1:8080');
  });

  test('a change that is being applied already does not answer it', async () => {
    const { cluster, clock, network, proxy } = await start(web, slice(1, 2));
    await clock.advance(1000);
    network.take();
    let open = (): void => undefined;
    network.gate = new Promise((resolve) => (open = resolve));
    setEndpoints(cluster, 1, 2, 3);
    await clock.advance(0);
    const done = proxy.beforeSigterm({ metadata: { uid: 'uid-1' } });
    open();
    await clock.advance(0);
    await done;
    expect(network.scripts.at(-1)).not.toContain('10.244.0.1 . 8080');
    expect(network.take()).toHaveLength(2);
  });

  test('at once when no rule has the pod', async () => {
    const { clock, network, proxy } = await start(web, slice(1));
    await clock.advance(0);
    network.take();
    await proxy.beforeSigterm({ metadata: { uid: 'uid-9' } });
    expect(network.take()).toEqual([]);
  });

  test('a second at most', async () => {
    const { clock, network, proxy } = await start(web, slice(1, 2));
    await clock.advance(0);
    let open = (): void => undefined;
    network.gate = new Promise((resolve) => (open = resolve));
    let isDone = false;
    const done = proxy.beforeSigterm({ metadata: { uid: 'uid-1' } }).then(() => (isDone = true));
    await clock.advance(999);
    expect(isDone).toBe(false);
    await clock.advance(1);
    await done;
    open();
  });

  test('the only endpoint goes on serving', async () => {
    const { clock, network, proxy } = await start(web, slice(1));
    await clock.advance(0);
    network.take();
    await Promise.all([proxy.beforeSigterm({ metadata: { uid: 'uid-1' } }), clock.advance(0)]);
    expect(network.take()).toEqual([]);
  });
});

test('stop leaves rules, but neither timers nor waiters', async () => {
  const { clock, network, proxy } = await start(web, slice(1, 2));
  await clock.advance(0);
  network.take();
  network.failure = new Error('no');
  const waiting = proxy.beforeSigterm({ metadata: { uid: 'uid-1' } });
  await settle();
  await proxy.stop();
  await waiting;
  expect(network.take()).toEqual([]);
  expect(clock.pending).toBe(0);
});
