import { type Resource, resources } from '#api';
import { type Bus, createNatsBus } from '#bus';
import { type ListOptions, type ObjectClient, createBusClient, createHttpClient } from '#client';
import { type BusInformerFactory, type Informer, createInformerFactory } from '#controller';
import { type KubernetesObject, keyOf, systemClock } from '#machinery';
import { apiServerRequest, createAuthority, createSigningKey, issueCertificate } from '#pki';
import { groupsOf, users } from '#process';
import { createMemoryStore } from '#store';
import { silentLogger } from '#telemetry';
import { seededRandom } from '#testing';
import { createGateway } from '../../apps/gateway';
import { apiDigests } from '../tools/api-digests';
import { eventually } from '../tools/eventually';
import { describeWith } from '../tools/requirements';
import { seedOr } from '../tools/seed';
import { churn } from './churn';
import { forgetful, type ForgetfulStore } from './forgetful-store';
import { LossyProxy } from './lossy-proxy';
import { NatsServer } from './nats-server';

const CHURN_MS = 60_000;
/** So often the gateway has been away from the store for longer than it remembers: then informers have to list again. */
const FORGET_MS = 20_000;
/** Over the bus. */
const WRITERS = 3;
const seed = seedOr(20);
const random = seededRandom(seed);
const common = { clock: systemClock, random, logger: silentLogger() };
const nodes = ['node-0', 'node-1'];

/** A component that keeps four informers, and counts what it asks for. */
interface Component {
  readonly bus: Bus;
  readonly informers: BusInformerFactory;
  readonly asked: { lists: number; replays: number };
  /** What its handlers were told that cannot be. */
  readonly contradictions: string[];
}

/** Handlers must be told a possible history: no second birth, no death of what does not live, no way back. */
function follow(informer: Informer<KubernetesObject>, contradictions: string[]): void {
  const known = new Map<string, number>();
  const revisionOf = ({ metadata }: Readonly<KubernetesObject>): number => Number(metadata?.resourceVersion);
  const note = (key: string, what: string): void =>
    void contradictions.push(`${informer.resource.plural} ${key} ${what}`);
  informer.addHandler({
    onAdd(object) {
      const key = keyOf(object);
      if (known.has(key)) note(key, 'was added twice');
      known.set(key, revisionOf(object as KubernetesObject));
    },
    onUpdate(object) {
      const key = keyOf(object);
      const before = known.get(key);
      if (before === undefined) note(key, 'was updated before it was added');
      else if (revisionOf(object as KubernetesObject) <= before) note(key, `went back to or stayed at ${before}`);
      known.set(key, revisionOf(object as KubernetesObject));
    },
    onDelete(object) {
      const key = keyOf(object);
      if (!known.delete(key)) note(key, 'was deleted before it was added');
    },
  });
}

describeWith(['nats'], `informers on a bus that loses messages (NESTOR_SEED=${seed})`, () => {
  jest.setTimeout(CHURN_MS + 90_000);
  const stops: (() => Promise<void> | void)[] = [];
  const components: Component[] = [];
  let proxy: LossyProxy;
  let store: ForgetfulStore;
  let api: ObjectClient;

  const openBus = async (name: string): Promise<Bus> => {
    const bus = await createNatsBus({ servers: [proxy.url], name });
    stops.push(() => bus.close());
    return bus;
  };
  const clientOf = (bus: Bus): ObjectClient =>
    createBusClient({ ...common, bus, user: users.addons, userAgent: 'test/1', deadlineMs: 1000 });

  const join = async (index: number): Promise<void> => {
    const asked = { lists: 0, replays: 0 };
    const bus = await openBus(`component-${index}`);
    const client = clientOf(bus);
    const counting: ObjectClient = {
      ...client,
      list: (resource, options) => {
        asked.lists++;
        return client.list(resource, options);
      },
      raw: (call) => {
        asked.replays++;
        return client.raw(call);
      },
    };
    const informers = createInformerFactory({ ...common, bus, client: counting });
    stops.push(() => informers.stop());
    const contradictions: string[] = [];
    follow(informers.informer(resources.configMaps), contradictions);
    follow(informers.informer(resources.leases), contradictions);
    follow(informers.informer(resources.deployments), contradictions);
    const fieldSelector = `spec.nodeName=${nodes[index % nodes.length]}`;
    follow(informers.informer(resources.pods, { fieldSelector }), contradictions);
    components.push({ bus, informers, asked, contradictions });
  };

  beforeAll(async () => {
    const server = await NatsServer.start();
    stops.push(() => server.stop());
    const shares = { dropped: 0.05, doubled: 0.05, delayed: 0.05, maxDelayMs: 300 };
    proxy = await LossyProxy.start({ target: server.port, seed, ...shares });
    stops.push(() => proxy.stop());
    const authority = await createAuthority('test', Date.now());
    const names = apiServerRequest({ serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' });
    const serving = await issueCertificate(authority, names, Date.now());
    store = forgetful(createMemoryStore({ clock: systemClock }));
    stops.push(() => store.close());
    const gateway = await createGateway(
      {
        host: '127.0.0.1',
        port: 0,
        tls: { ...serving, clientCaPem: authority.certificatePem },
        serviceCidr: '10.96.0.0/16',
        nodePortRange: [30_000, 32_767],
        serviceAccounts: { issuer: 'https://x', keyPem: createSigningKey(), audiences: ['https://x'] },
        groupsOf,
      },
      { store, bus: await openBus('gateway'), ...common },
    );
    stops.push(() => gateway.stop());
    const admin = { commonName: 'admin', organizations: ['system:masters'], usages: ['client'] as const };
    const { certificatePem: cert, keyPem: key } = await issueCertificate(authority, admin, Date.now());
    const http = createHttpClient({
      ...common,
      server: gateway.url,
      ca: authority.certificatePem,
      cert,
      key,
      userAgent: 'test/1',
    });
    stops.push(() => http.close());
    api = http;
    await api.create(resources.serviceAccounts, { metadata: { namespace: 'default', name: 'default' } });
    for (const name of nodes) await api.create(resources.nodes, { metadata: { name } });
    for (let index = 0; index < 5; index++) await join(index);
    await Promise.all(components.map(({ informers }) => informers.synced()));
  });
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  const agree = async <T extends KubernetesObject>(
    key: string,
    resource: Resource<T>,
    options: ListOptions = {},
  ): Promise<number> => {
    const truth = await apiDigests(api, resource, options);
    const held = components.flatMap(({ informers }) => informers.dump()[key] ?? []);
    expect(held.length).toBeGreaterThan(1);
    for (const { objects } of held) expect(objects).toEqual(truth);
    return Object.keys(truth).length;
  };

  it('agree with the API, object by object, after a minute of churn', async () => {
    const stop = AbortSignal.timeout(CHURN_MS);
    const forgetting = setInterval(() => store.forget(), FORGET_MS);
    const write = (client: ObjectClient, index: number): ReturnType<typeof churn> =>
      churn({ api: client, random: seededRandom(seed + 1 + index), prefix: `writer-${index}`, nodes, stop });
    const bus = clientOf(await openBus('writer'));
    // Who writes over HTTPS loses nothing; who writes over the bus may not learn what became of a request.
    const overBus = Promise.all(Array.from({ length: WRITERS }, (_, index) => write(bus, 1 + index)));
    const overHttps = await write(api, 0);
    const writes = { overHttps, overBus: await overBus };
    clearInterval(forgetting);
    const ended = Date.now();
    // The loss goes on.
    const objects = await eventually(async () => {
      const sizes = [
        await agree('configmaps', resources.configMaps),
        await agree('leases.coordination.k8s.io', resources.leases),
        await agree('deployments.apps', resources.deployments),
      ];
      for (const node of nodes) {
        const fieldSelector = `spec.nodeName=${node}`;
        sizes.push(await agree(`pods?${fieldSelector}`, resources.pods, { fieldSelector }));
      }
      return sizes;
    }, 30_000);
    const agreedMs = Date.now() - ended;

    const sum = (of: 'lists' | 'replays'): number => components.reduce((total, { asked }) => total + asked[of], 0);
    const relists = sum('lists') - 4 * components.length;
    const figures = { seed, messages: proxy.counts, writes, objects, replays: sum('replays'), relists, agreedMs };
    process.stdout.write(`lossy bus: ${JSON.stringify(figures)}\n`);

    expect(components.flatMap(({ contradictions }) => contradictions)).toEqual([]);
    // It was a test: much was written, and much of it lost.
    for (const size of objects) expect(size).toBeGreaterThan(0);
    expect(overHttps.failed).toBe(0);
    expect(Math.min(proxy.counts.dropped, proxy.counts.doubled, proxy.counts.delayed)).toBeGreaterThan(100);
    expect(sum('replays')).toBeGreaterThan(0);
    expect(relists).toBeGreaterThan(0);
  });
});
