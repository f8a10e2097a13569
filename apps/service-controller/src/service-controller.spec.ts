import { type Endpoints, type EndpointSlice, resources, type Service } from '#api';
import { type Reconciler } from '#controller';
import {
  FakeCluster,
  apiError,
  node,
  pod,
  type PodBuilder,
  type ReconcilerRun,
  service,
  startReconciler,
} from '#testing';
import { EndpointsReconciler } from './endpoints/endpoints.reconciler';
import { type ServiceControllerConfig } from './identities';
import { EndpointSliceMirroringReconciler } from './mirroring/endpointslicemirroring.reconciler';
import { EndpointSliceReconciler } from './slices/endpointslice.reconciler';

let run: ReconcilerRun | undefined;
afterEach(() => run?.stop());

type Kind = new (deps: ReturnType<FakeCluster['dependencies']>, config: ServiceControllerConfig) => Reconciler;

async function start(cluster: FakeCluster, kind: Kind, config: Partial<ServiceControllerConfig> = {}): Promise<void> {
  if (cluster.get(resources.nodes, 'n1') === undefined) cluster.add(node('n1'));
  run = startReconciler(cluster, new kind(cluster.dependencies(), { clientAs: () => cluster.client, ...config }));
  await run.settled();
}

const web = (number: number): PodBuilder =>
  pod(`web-${number}`).labels({ app: 'web' }).on('n1').ip(`10.244.0.${number}`).uid(`uid-${number}`).ready();

/** `web-00001: 1 2! 3~ → http 8080`: addresses, `!` not ready, `~` terminating, then ports. */
function show(cluster: FakeCluster): string[] {
  return cluster.list(resources.endpointSlices).map(({ metadata, endpoints = [], ports = [] }) => {
    const list = endpoints.map(({ addresses, conditions }) => {
      const mark = conditions?.terminating === true ? '~' : conditions?.ready === false ? '!' : '';
      return `${addresses[0]?.split('.').at(-1)}${mark}`;
    });
    return `${metadata?.name}: ${list.join(' ')} → ${ports.map(({ name, port }) => `${name} ${port}`).join(', ')}`;
  });
}

describe('EndpointSlices', () => {
  test('a service’s pods, ready or not, with all that is known of them', async () => {
    const named = web(1).with((one) => Object.assign(one.spec!, { hostname: 'first', subdomain: 'web' }));
    const cluster = new FakeCluster().add(
      service('web').labels({ team: 'a', 'endpointslice.kubernetes.io/managed-by': 'me' }).uid('service-uid'),
      node('n1').labels({ 'topology.kubernetes.io/zone': 'z1' }),
      named,
      web(2).notReady(),
      web(3).terminating(),
      pod('other').ip('10.244.0.9').ready(),
    );
    await start(cluster, EndpointSliceReconciler);
    expect(cluster.takeWrites()).toEqual(['create endpointslices.discovery.k8s.io default/web-00001']);
    const [slice] = cluster.list(resources.endpointSlices);
    expect(slice?.metadata).toMatchObject({
      generateName: 'web-',
      labels: {
        team: 'a',
        'kubernetes.io/service-name': 'web',
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', controller: true, blockOwnerDeletion: true }],
    });
    expect(slice).toMatchObject({
      addressType: 'IPv4',
      ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
      endpoints: [
        {
          addresses: ['10.244.0.1'],
          conditions: { ready: true, serving: true, terminating: false },
          hostname: 'first',
          nodeName: 'n1',
          zone: 'z1',
          targetRef: { kind: 'Pod', namespace: 'default', name: 'web-1', uid: 'uid-1' },
        },
        { addresses: ['10.244.0.2'], conditions: { ready: false, serving: false, terminating: false } },
        { addresses: ['10.244.0.3'], conditions: { ready: false, serving: true, terminating: true } },
      ],
    });
  });

  test('follows pods: one update, none when nothing matters', async () => {
    const cluster = new FakeCluster().add(service('web'), web(1), web(2));
    await start(cluster, EndpointSliceReconciler);
    cluster.takeWrites();
    cluster.edit(resources.pods, 'default/web-1', (one) => (one.metadata!.annotations = { a: 'b' }));
    await run!.settled();
    expect(cluster.takeWrites()).toEqual([]);
    cluster.add(web(2).notReady(), web(3));
    cluster.edit(resources.pods, 'default/web-1', (one) => (one.status!.phase = 'Failed'));
    await run!.settled();
    expect(show(cluster)).toEqual(['web-00001: 2! 3 → http 8080']);
    expect(cluster.takeWrites()).toEqual(['update endpointslices.discovery.k8s.io default/web-00001']);
    cluster.edit(resources.pods, 'default/web-2', (one) => (one.metadata!.labels = {}));
    await run!.settled();
    expect(show(cluster)).toEqual(['web-00001: 3 → http 8080']);
  });

  test('no pods: a slice without endpoints, kept when nothing changes and filled later', async () => {
    const cluster = new FakeCluster().add(service('web'));
    await start(cluster, EndpointSliceReconciler);
    expect(show(cluster)).toEqual(['web-00001:  → ']);
    cluster.takeWrites();
    cluster.edit(resources.services, 'default/web', (one) => (one.metadata!.annotations = { a: 'b' }));
    await run!.settled();
    expect(cluster.takeWrites()).toEqual([]);
    cluster.add(web(1));
    await run!.settled();
    expect(show(cluster)).toEqual(['web-00001: 1 → http 8080']);
    cluster.remove(resources.pods, 'default/web-1');
    await run!.settled();
    expect(show(cluster).map((line) => line.replace(/^\S+/, ''))).toEqual(['  → ']);
  });

  test('a named target port may differ per pod: a slice each', async () => {
    const ports = (containerPort: number) => (one: ReturnType<PodBuilder['build']>) => {
      one.spec!.containers[0]!.ports = [{ name: 'main', containerPort, protocol: 'TCP' }];
    };
    const named = service('web').with((one) => (one.spec!.ports![0]!.targetPort = 'main'));
    const cluster = new FakeCluster().add(
      named,
      web(1).with(ports(1111)),
      web(2).with(ports(2222)),
      web(3).with(ports(1111)),
    );
    await start(cluster, EndpointSliceReconciler);
    expect(show(cluster).sort()).toEqual(['web-00001: 1 3 → http 1111', 'web-00002: 2 → http 2222']);
  });

  test('publishNotReadyAddresses says ready, serving says the truth', async () => {
    const cluster = new FakeCluster().add(
      service('web').with((one) => (one.spec!.publishNotReadyAddresses = true)),
      web(1).notReady(),
    );
    await start(cluster, EndpointSliceReconciler);
    expect(cluster.list(resources.endpointSlices)[0]?.endpoints?.[0]?.conditions).toEqual({
      ready: true,
      serving: false,
      terminating: false,
    });
  });

  test('headless services are marked', async () => {
    const cluster = new FakeCluster().add(
      service('web').with((one) => Object.assign(one.spec!, { clusterIP: 'None', ports: undefined })),
      web(1),
    );
    await start(cluster, EndpointSliceReconciler);
    expect(cluster.list(resources.endpointSlices)[0]?.metadata?.labels?.['service.kubernetes.io/headless']).toBe('');
    expect(show(cluster)).toEqual(['web-00001: 1 → ']);
  });

  test('more endpoints than fit: several slices; endpoints stay where they are', async () => {
    const cluster = new FakeCluster().add(service('web'), ...[1, 2, 3, 4, 5].map(web));
    await start(cluster, EndpointSliceReconciler, { maxEndpointsPerSlice: 2 });
    expect(show(cluster).map((line) => line.replace(/^\S+ /, ''))).toEqual([
      '1 2 → http 8080',
      '3 4 → http 8080',
      '5 → http 8080',
    ]);
    cluster.takeWrites();
    cluster.remove(resources.pods, 'default/web-3');
    cluster.add(web(6), web(7));
    await run!.settled();
    expect(
      show(cluster)
        .flatMap((line) => line.replace(/^\S+ (.*) →.*/, '$1').split(' '))
        .sort(),
    ).toEqual(['1', '2', '4', '5', '6', '7']);
    expect(cluster.takeWrites().length).toBeLessThanOrEqual(2);
  });

  test('services without a selector, aliases, and slices of others are left alone', async () => {
    const cluster = new FakeCluster().add(
      service('manual').with((one) => delete one.spec!.selector),
      service('alias').with((one) => Object.assign(one.spec!, { type: 'ExternalName', externalName: 'x.example' })),
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { namespace: 'default', name: 'mine', labels: { 'kubernetes.io/service-name': 'manual' } },
        addressType: 'IPv4',
        endpoints: [],
      } as EndpointSlice,
    );
    await start(cluster, EndpointSliceReconciler);
    expect(cluster.takeWrites()).toEqual([]);
  });

  test('a slice that somebody changed or deleted is mended; those of a service that is gone are left to the garbage collector', async () => {
    const cluster = new FakeCluster().add(service('web'), web(1));
    await start(cluster, EndpointSliceReconciler);
    cluster.edit(resources.endpointSlices, 'default/web-00001', (one) => (one.endpoints = []));
    await run!.settled();
    expect(show(cluster)).toEqual(['web-00001: 1 → http 8080']);
    cluster.remove(resources.endpointSlices, 'default/web-00001');
    await run!.settled();
    expect(show(cluster)).toEqual(['web-00002: 1 → http 8080']);
    cluster.takeWrites();
    cluster.remove(resources.services, 'default/web');
    await run!.settled();
    expect(cluster.takeWrites()).toEqual([]);
  });

  test('while the cache is behind nothing is created twice', async () => {
    const cluster = new FakeCluster().add(service('web'), node('n1'), web(1));
    cluster.informers.informer(resources.endpointSlices);
    run = startReconciler(
      cluster,
      new EndpointSliceReconciler(cluster.dependencies(), { clientAs: () => cluster.client }),
    );
    cluster.hold();
    await run.settled();
    run.queue.add('default/web');
    await run.settled();
    expect(cluster.takeWrites()).toEqual(['create endpointslices.discovery.k8s.io default/web-00001']);
    cluster.release();
    await run.settled();
    expect(cluster.takeWrites()).toEqual([]);
  });
});

describe('EndpointSlices, further', () => {
  const names = (cluster: FakeCluster): (string | undefined)[] =>
    cluster.list(resources.endpointSlices).flatMap(({ endpoints = [] }) => endpoints.map((one) => one.targetRef?.name));

  test('a pod on a node that is not known waits for it', async () => {
    const cluster = new FakeCluster().add(service('web'), web(1), web(2).on('n2'));
    await start(cluster, EndpointSliceReconciler);
    expect(names(cluster)).toEqual(['web-1']);
    cluster.add(node('n2'));
    await cluster.clock.advance(1001);
    await run!.settled();
    expect(names(cluster)).toEqual(['web-1', 'web-2']);
  });

  test('a service with many endpoints is looked at at most every 50 ms, the first time at once', async () => {
    const cluster = new FakeCluster().add(service('web'), ...Array.from({ length: 30 }, (_, i) => web(i + 1)));
    await start(cluster, EndpointSliceReconciler);
    await cluster.clock.advance(50);
    cluster.takeWrites();
    cluster.add(web(31));
    await run!.settled();
    expect(cluster.takeWrites()).toHaveLength(1);
    for (let i = 32; i < 40; i++) {
      cluster.add(web(i));
      await run!.settled();
    }
    expect(cluster.takeWrites()).toEqual([]);
    await cluster.clock.advance(50);
    await run!.settled();
    expect(cluster.takeWrites()).toHaveLength(1);
    expect(names(cluster)).toHaveLength(39);
  });

  test.each([
    ['PreferClose', { forZones: [{ name: 'z1' }] }],
    ['PreferSameZone', { forZones: [{ name: 'z1' }] }],
    ['PreferSameNode', { forZones: [{ name: 'z1' }], forNodes: [{ name: 'n1' }] }],
    [undefined, undefined],
  ])('hints for trafficDistribution %s', async (trafficDistribution, hints) => {
    const cluster = new FakeCluster().add(
      service('web').with((one) => (one.spec!.trafficDistribution = trafficDistribution)),
      node('n1').labels({ 'topology.kubernetes.io/zone': 'z1' }),
      web(1),
      web(2).notReady(),
    );
    await start(cluster, EndpointSliceReconciler);
    expect(cluster.list(resources.endpointSlices)[0]?.endpoints?.map((one) => one.hints)).toEqual([hints, undefined]);
  });

  test('a slice for each family', async () => {
    const dual = (n: number) =>
      web(n).with((one) => (one.status!.podIPs = [{ ip: `10.244.0.${n}` }, { ip: `2001:0db8:0:0::${n}` }]));
    const cluster = new FakeCluster().add(
      service('web').with((one) => (one.spec!.ipFamilies = ['IPv4', 'IPv6'])),
      dual(1),
    );
    await start(cluster, EndpointSliceReconciler);
    const slices = cluster.list(resources.endpointSlices);
    expect(slices.map(({ addressType, endpoints }) => [addressType, endpoints?.[0]?.addresses])).toEqual([
      ['IPv4', ['10.244.0.1']],
      ['IPv6', ['2001:db8::1']],
    ]);
  });

  test('a service that is renamed in place of another does not inherit its slices', async () => {
    const cluster = new FakeCluster().add(service('web').uid('old'), web(1));
    await start(cluster, EndpointSliceReconciler);
    cluster.takeWrites();
    cluster.remove(resources.services, 'default/web');
    cluster.add(service('web').uid('new'));
    await run!.settled();
    expect(cluster.takeWrites().sort()).toEqual([
      'create endpointslices.discovery.k8s.io default/web-00002',
      'delete endpointslices.discovery.k8s.io default/web-00001',
    ]);
  });

  test('says why it cannot write, and tries again', async () => {
    const cluster = new FakeCluster().add(service('web'), node('n1'), web(1));
    cluster.failNext('create', resources.endpointSlices, apiError(403, 'Forbidden'));
    await expect(start(cluster, EndpointSliceReconciler)).rejects.toMatchObject({ code: 403 });
    expect(cluster.events[0]).toMatch(/^Warning FailedToUpdateEndpointSlices Service\/web: Error updating/);
    run!.queue.add('default/web');
    await run!.settled();
    expect(names(cluster)).toEqual(['web-1']);
  });
});

describe('Endpoints', () => {
  const subsets = (cluster: FakeCluster): Endpoints['subsets'] =>
    cluster.get(resources.endpoints, 'default/web')?.subsets as Endpoints['subsets'];

  test('ready and other addresses; no terminating ones', async () => {
    const cluster = new FakeCluster().add(
      service('web').labels({ team: 'a' }),
      web(1),
      web(2).notReady(),
      web(3).terminating(),
    );
    await start(cluster, EndpointsReconciler);
    expect(cluster.takeWrites()).toEqual(['create endpoints default/web']);
    const reference = (n: number) => ({ kind: 'Pod', namespace: 'default', name: `web-${n}`, uid: `uid-${n}` });
    expect(subsets(cluster)).toEqual([
      {
        addresses: [{ ip: '10.244.0.1', nodeName: 'n1', targetRef: reference(1) }],
        notReadyAddresses: [{ ip: '10.244.0.2', nodeName: 'n1', targetRef: reference(2) }],
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      },
    ]);
    expect(cluster.get(resources.endpoints, 'default/web')?.metadata?.labels).toEqual({
      team: 'a',
      'endpoints.kubernetes.io/managed-by': 'endpoint-controller',
    });
    cluster.edit(resources.pods, 'default/web-1', (one) => (one.metadata!.annotations = { a: 'b' }));
    await run!.settled();
    expect(cluster.takeWrites()).toEqual([]);
  });

  test('go with their service; those that people made before it do not', async () => {
    const cluster = new FakeCluster().add(service('web'), web(1), {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { namespace: 'default', name: 'manual' },
    });
    await start(cluster, EndpointsReconciler);
    cluster.remove(resources.services, 'default/web');
    await run!.settled();
    expect(cluster.list(resources.endpoints).map(({ metadata }) => metadata?.name)).toEqual(['manual']);
  });

  test('more than a thousand are cut off, and it is said', async () => {
    const pods = Array.from({ length: 1001 }, (_, i) => web(i).ip(`10.244.${i >> 8}.${i & 255}`));
    const cluster = new FakeCluster().add(service('web'), ...pods);
    await start(cluster, EndpointsReconciler);
    expect(subsets(cluster)?.[0]?.addresses).toHaveLength(1000);
    const annotations = (): Readonly<Record<string, string>> | undefined =>
      cluster.get(resources.endpoints, 'default/web')?.metadata?.annotations;
    expect(annotations()?.['endpoints.kubernetes.io/over-capacity']).toBe('truncated');
    cluster.takeWrites();
    cluster.remove(resources.pods, 'default/web-0');
    await cluster.clock.advance(1001);
    await run!.settled();
    expect(annotations()?.['endpoints.kubernetes.io/over-capacity']).toBeUndefined();
  });
});

describe('mirroring', () => {
  const manual: Service = service('db')
    .with((one) => delete one.spec!.selector)
    .build();
  const endpoints: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { namespace: 'default', name: 'db', labels: { team: 'a' }, annotations: { note: 'x' } },
    subsets: [
      {
        addresses: [{ ip: '192.0.2.1' }],
        notReadyAddresses: [{ ip: '192.0.2.2' }],
        ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
      },
    ],
  };

  test('Endpoints that people wrote become slices, and go with them', async () => {
    const cluster = new FakeCluster().add(manual, endpoints);
    await start(cluster, EndpointSliceMirroringReconciler);
    expect(show(cluster)).toEqual(['db-00001: 1 2! → sql 5432']);
    expect(cluster.list(resources.endpointSlices)[0]?.metadata).toMatchObject({
      labels: {
        team: 'a',
        'kubernetes.io/service-name': 'db',
        'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
      },
      annotations: { note: 'x' },
      ownerReferences: [{ kind: 'Endpoints', name: 'db', controller: true }],
    });
    cluster.edit(resources.endpoints, 'default/db', (one) => (one.subsets![0]!.addresses = [{ ip: '192.0.2.3' }]));
    await run!.settled();
    expect(show(cluster)).toEqual(['db-00001: 2! 3 → sql 5432']);
    cluster.remove(resources.endpoints, 'default/db');
    await run!.settled();
    expect(show(cluster)).toEqual([]);
  });

  test.each<[string, Service | undefined, Endpoints]>([
    ['a service with a selector', service('db').build(), endpoints],
    ['no service', undefined, endpoints],
    [
      'those that say so',
      manual,
      {
        ...endpoints,
        metadata: { ...endpoints.metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      },
    ],
  ])('not for %s', async (_, one, other) => {
    const cluster = new FakeCluster().add(...(one === undefined ? [] : [one]), other);
    await start(cluster, EndpointSliceMirroringReconciler);
    expect(cluster.takeWrites()).toEqual([]);
  });
});
