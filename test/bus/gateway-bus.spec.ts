import 'reflect-metadata';
import { type Pod, resources } from '#api';
import { type Bus, createNatsBus } from '#bus';
import { type RenewedBusIdentity, createBusClient, obtainBusIdentity } from '#client';
import { createInformerFactory } from '#controller';
import { systemClock } from '#machinery';
import { apiServerRequest, createSigningKey } from '#pki';
import { createMemoryStore } from '#store';
import { silentLogger } from '#telemetry';
import { createGateway, gatewayBusIdentity } from '../../apps/gateway';
import { eventually } from '../tools/eventually';
import { hasNatsServer } from './nats-server';
import { SecureNats } from './secure-nats';

const suite = hasNatsServer() ? describe : describe.skip;
const common = { clock: systemClock, random: Math.random, logger: silentLogger() };
const scheduler = 'system:kube-scheduler';

suite('a gateway on a bus with identities', () => {
  const stops: (() => Promise<void> | void)[] = [];
  let nats: SecureNats;
  let server: string;

  const join = async (user: string, organizations: string[] = []): Promise<{ bus: Bus; id: RenewedBusIdentity }> => {
    const pair = await nats.certificate({ commonName: user, organizations, usages: ['client'] });
    const tls = { caPem: nats.ca.certificatePem, ...pair };
    // The first address is nobody's.
    const servers = ['https://127.0.0.1:1', server];
    const id = await obtainBusIdentity({ ...common, servers, tls: () => tls, user, userAgent: 'test/1' });
    stops.push(() => id.stop());
    const bus = await createNatsBus({ servers: [nats.url], name: user, tls: () => tls, identity: id });
    stops.push(() => bus.close());
    return { bus, id };
  };

  beforeAll(async () => {
    nats = await SecureNats.start();
    stops.push(() => nats.stop());
    const { accountSeed } = nats.authority;
    const identity = await gatewayBusIdentity({ accountSeed, user: 'system:apiserver', clock: systemClock });
    stops.push(() => identity.stop());
    const bus = await nats.open(identity);
    stops.push(() => bus.close());
    const store = createMemoryStore({ clock: systemClock });
    stops.push(() => store.close());
    const serving = await nats.certificate(
      apiServerRequest({ serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' }),
    );
    const gateway = await createGateway(
      {
        host: '127.0.0.1',
        port: 0,
        tls: { ...serving, clientCaPem: nats.ca.certificatePem },
        serviceCidr: '10.96.0.0/16',
        nodePortRange: [30_000, 32_767],
        serviceAccounts: { issuer: 'https://x', keyPem: createSigningKey(), audiences: ['https://x'] },
        bus: { accountSeed, actsAs: (user) => (user === scheduler ? [] : undefined) },
      },
      { store, bus, ...common },
    );
    stops.push(() => gateway.stop());
    server = gateway.url;
  });
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  it('serves components that showed their certificate, and brings them events', async () => {
    const { bus } = await join(scheduler);
    const client = createBusClient({ ...common, bus, user: scheduler, userAgent: 'test/1' });
    const informers = createInformerFactory({ ...common, bus, client });
    const nodes = informers.informer(resources.nodes);
    await informers.synced();
    expect(nodes.lister.list()).toEqual([]);

    const { bus: nodeBus } = await join('system:node:one', ['system:nodes']);
    const node = createBusClient({ ...common, bus: nodeBus, user: 'system:node:one', userAgent: 'test/1' });
    // Whether a node may make itself is the authoriser's business; that it is known as itself is the bus's.
    const made = await node.create(resources.nodes, { metadata: { name: 'one' } }).then(
      () => true,
      (error: { code?: number; message: string }) => {
        expect(error.message).toContain('system:node:one');
        return false;
      },
    );
    if (made) await eventually(async () => expect(nodes.lister.get('', 'one')).toBeDefined());
    await informers.stop();
  });

  it('does not let them be somebody else', async () => {
    const { bus } = await join(scheduler);
    const admin = createBusClient({
      ...common,
      bus,
      user: 'system:addon-manager',
      userAgent: 'test/1',
      deadlineMs: 200,
    });
    await expect(admin.list<Pod>(resources.pods)).rejects.toThrow();
  });

  it('gives strangers nothing', async () => {
    const stranger = await nats.certificate({
      commonName: 'kubernetes-admin',
      organizations: ['system:masters'],
      usages: ['client'],
    });
    const patience = AbortSignal.timeout(1500);
    const asked = obtainBusIdentity({
      ...common,
      servers: [server],
      tls: () => ({ caPem: nats.ca.certificatePem, ...stranger }),
      user: scheduler,
      userAgent: 'test/1',
      signal: patience,
    });
    await expect(asked).rejects.toThrow();
  });
});
