import { type ConfigMap, resources } from '#api';
import { type Bus, type ObjectEvent, apiSubject, createNatsBus, eventSubject } from '#bus';
import { type BusCall, createBusClient } from '#client';
import { type Informer, type InformerFactory, createInformerFactory } from '#controller';
import { systemClock } from '#machinery';
import { silentLogger } from '#telemetry';
import { NatsServer, hasNatsServer } from './nats-server';

/** As much of a gateway as an informer needs: lists, intervals, replays. */
class Publisher {
  private revision = 1;
  private published = 1;
  private readonly history: ObjectEvent[] = [];
  private readonly state = new Map<string, ConfigMap>();
  replays = 0;

  constructor(private readonly bus: Bus) {
    bus.serve(apiSubject('tester'), 'gateway', async ({ payload }) => {
      const { searchParams } = new URL((payload as BusCall).path, 'bus://');
      return { status: 200, body: searchParams.has('watch') ? this.replay(searchParams) : this.list() };
    });
  }

  private list(): object {
    return { metadata: { resourceVersion: String(this.revision) }, items: [...this.state.values()] };
  }

  private replay(query: URLSearchParams): object {
    this.replays++;
    const from = Number(query.get('resourceVersion'));
    return { prev: from, rev: this.revision, events: this.history.filter(({ revision }) => revision > from) };
  }

  /** Writes an object and announces it. */
  set(name: string, value: string): void {
    const type = this.state.has(name) ? 'MODIFIED' : 'ADDED';
    const metadata = { namespace: 'default', name, uid: name, resourceVersion: String(++this.revision) };
    const object: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { value } };
    this.state.set(name, object);
    this.history.push({ type, revision: this.revision, object });
    const events = this.history.filter(({ revision }) => revision > this.published);
    this.bus.publish(eventSubject('', 'configmaps'), { prev: this.published, rev: this.revision, events });
    this.published = this.revision;
  }
}

const suite = hasNatsServer() ? describe : describe.skip;

suite('informers over NATS', () => {
  let server: NatsServer;
  let gateway: Bus;
  let component: Bus;
  let publisher: Publisher;
  let informers: InformerFactory;
  let informer: Informer<ConfigMap>;
  const random = Math.random;
  const value = (name: string) => informer.lister.get('default', name)?.data?.value;

  beforeEach(async () => {
    server = await NatsServer.start();
    const open = (name: string) => createNatsBus({ servers: [server.url], name, reconnectWaitMs: 10 });
    [gateway, component] = [await open('gateway'), await open('component')];
    publisher = new Publisher(gateway);
    await gateway.flush();
    const common = { bus: component, clock: systemClock, random };
    const client = createBusClient({ ...common, user: 'tester', userAgent: 'tester' });
    informers = createInformerFactory({ ...common, client, logger: silentLogger() });
    publisher.set('a', '1');
    informer = informers.informer(resources.configMaps);
    await informers.synced();
  });
  afterEach(async () => {
    await informers.stop();
    await Promise.all([gateway.close(), component.close()]);
    await server.stop();
  });

  it('list and follow', async () => {
    expect(value('a')).toBe('1');
    publisher.set('a', '2');
    publisher.set('b', '1');
    await informer.waitFor(4);
    expect([value('a'), value('b')]).toEqual(['2', '1']);
    expect(publisher.replays).toBe(0);
  });

  it('catch up after the broker was away, with what was published meanwhile', async () => {
    await server.stop();
    publisher.set('a', '2');
    publisher.set('b', '1');
    await server.start();
    await informer.waitFor(4);
    expect([value('a'), value('b')]).toEqual(['2', '1']);
    expect(publisher.replays).toBeGreaterThan(0);
    publisher.set('c', '1');
    await informer.waitFor(5);
    expect(value('c')).toBe('1');
  });
});
