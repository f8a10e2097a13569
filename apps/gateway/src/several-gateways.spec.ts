import { type EventMessage, eventSubject } from '#bus';
import { createBusClient } from '#client';
import { type LeaderElector } from '#controller';
import { systemClock } from '#machinery';
import { request } from 'undici';
import { type Answer, type Gateways, configMap, configMaps, startGateways } from './testing/harness';

/** An elector whose leader the test appoints. */
class Appointed implements LeaderElector {
  private term = new AbortController();
  private lead: ((signal: AbortSignal, since: number) => Promise<void>) | undefined;
  private leading: Promise<void> = Promise.resolve();

  run(lead: (signal: AbortSignal, since: number) => Promise<void>): Promise<void> {
    this.lead = lead;
    return Promise.resolve();
  }

  begin(): void {
    this.term = new AbortController();
    this.leading = this.lead?.(this.term.signal, 0) ?? Promise.resolve();
  }

  async stop(): Promise<void> {
    this.term.abort(new Error('stopped'));
    await this.leading;
  }
}

const itemsOf = <T>(answer: Answer): T[] => (answer.body as { items: T[] }).items;
interface Named {
  readonly metadata: { readonly name: string };
}

const namesOf = ({ events }: EventMessage): string[] => events.map(({ object }) => object.metadata?.name ?? '');

describe('two gateways on one store', () => {
  let set: Gateways;
  const electors: Appointed[] = [];
  const [a, b] = [0, 1];
  const call = (gateway: number, ...args: Parameters<Gateways['gateways'][0]['call']>) =>
    set.gateways[gateway]!.call(...args);

  beforeAll(async () => {
    const publisherElector = (): LeaderElector => {
      const elector = new Appointed();
      electors.push(elector);
      return elector;
    };
    set = await startGateways(2, { publisherElector, advertise: '192.0.2.1' });
  });
  afterAll(() => set.stop());

  it('make the default objects once', async () => {
    const namespaces = itemsOf<Named>(await call(a, 'GET', '/api/v1/namespaces'));
    expect(namespaces.map(({ metadata }) => metadata.name)).toEqual([
      'default',
      'kube-node-lease',
      'kube-public',
      'kube-system',
    ]);
    const roles = (await call(b, 'GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles')).body.items;
    expect(roles.length).toBeGreaterThan(50);
    expect((await call(b, 'GET', '/api/v1/namespaces/default/services')).body.items).toHaveLength(1);
  });

  it('show what the other wrote at once', async () => {
    for (let i = 0; i < 20; i++) {
      expect((await call(i % 2, 'POST', configMaps, { body: configMap(`both-${i}`) })).status).toBe(201);
      expect((await call((i + 1) % 2, 'GET', `${configMaps}/both-${i}`)).status).toBe(200);
    }
  });

  it('never give one address or node port to two Services', async () => {
    const create = (i: number) =>
      call(i % 2, 'POST', '/api/v1/namespaces/default/services', {
        body: { metadata: { name: `s-${i}` }, spec: { type: 'NodePort', ports: [{ port: 80 }] } },
      });
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => create(i)));
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(201));
    expect(new Set(answers.map(({ body }) => body.spec.clusterIP as string)).size).toBe(100);
    expect(new Set(answers.map(({ body }) => body.spec.ports[0].nodePort as number)).size).toBe(100);
  });

  it('go on with the pages and watches of the other', async () => {
    const first = await call(a, 'GET', `${configMaps}?limit=5`);
    await call(b, 'POST', configMaps, { body: configMap('both-00-later') });
    const second = await call(b, 'GET', `${configMaps}?limit=500&continue=${first.body.metadata.continue}`);
    expect(second.status).toBe(200);
    expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    const names = itemsOf<Named>(second).map(({ metadata }) => metadata.name);
    expect(names).not.toContain('both-00-later');

    const from = first.body.metadata.resourceVersion as string;
    const watch = await request(`${set.gateways[b]!.gateway.url}${configMaps}?watch=1&resourceVersion=${from}`, {
      dispatcher: set.gateways[b]!.dispatcher,
      headers: { authorization: 'Bearer admin' },
    });
    const event = await new Promise<string>((resolve) =>
      watch.body.once('data', (chunk: Buffer) => resolve(chunk.toString())),
    );
    watch.body.destroy();
    expect(JSON.parse(event.split('\n')[0] ?? '')).toMatchObject({
      type: 'ADDED',
      object: { metadata: { name: 'both-00-later' } },
    });
  });

  it('publish every change on takeover, without a gap or with one that shows', async () => {
    const heard: EventMessage[] = [];
    const subscription = set.bus.subscribe(eventSubject('', 'configmaps'), ({ payload }) => {
      heard.push(payload as EventMessage);
    });
    electors[a]!.begin();
    await call(b, 'POST', configMaps, { body: configMap('while-a-publishes') });
    await until(() => heard.some((message) => namesOf(message).includes('while-a-publishes')));
    await electors[a]!.stop();
    // Nobody publishes.
    await call(a, 'POST', configMaps, { body: configMap('between') });
    await call(b, 'GET', `${configMaps}/between`);
    electors[b]!.begin();
    await until(() => heard.some((message) => namesOf(message).includes('between')));
    // Two at once.
    electors[a]!.begin();
    await call(b, 'POST', configMaps, { body: configMap('from-both') });
    await until(() => heard.filter((message) => namesOf(message).includes('from-both')).length === 2);
    expectNoHoles(heard);
    subscription.close();
  });

  it('answer replays, whoever publishes', async () => {
    const client = createBusClient({
      ...{ bus: set.bus, user: 'admin', userAgent: 'test/1' },
      ...{ clock: systemClock, random: Math.random },
    });
    const replay = (from: number) =>
      client.raw({ method: 'GET', path: `/api/v1/configmaps?watch=true&resourceVersion=${from}` });
    const { body } = await call(a, 'POST', configMaps, { body: configMap('replayed') });
    const from = Number(body.metadata.resourceVersion) - 1;
    for (let i = 0; i < 4; i++) {
      const message = (await replay(from)) as unknown as EventMessage;
      expect(message.prev).toBe(from);
      expect(namesOf(message)).toContain('replayed');
    }
  });

  it('lead default/kubernetes to those that live', async () => {
    const live = async (): Promise<string[]> => {
      const { kvs } = await set.store.range({ key: '/registry/masterleases/', rangeEnd: '/registry/masterleases0' });
      expect(kvs.every(({ lease }) => lease > 0n)).toBe(true);
      return kvs.map(({ key }) => key.slice('/registry/masterleases/'.length)).sort();
    };
    const ports = set.gateways.map(({ gateway }) => gateway.port);
    expect(await live()).toEqual(ports.map((port) => `192.0.2.1:${port}`).sort());
    await set.gateways[b]!.gateway.stop();
    expect(await live()).toEqual([`192.0.2.1:${ports[a]}`]);
    const endpoints = (await call(a, 'GET', '/api/v1/namespaces/default/endpoints/kubernetes')).body as object;
    expect(endpoints).toMatchObject({ subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: ports[a] }] }] });
    const slices = itemsOf<{ ports: { port: number }[] }>(
      await call(a, 'GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'),
    );
    expect(slices.map((slice) => slice.ports[0]?.port)).toEqual([ports[a]]);
  });
});

/** Whatever order they come in, intervals say what happened in them: a reader that follows them misses nothing. */
function expectNoHoles(messages: readonly EventMessage[]): void {
  const revisions = new Set(messages.flatMap(({ events }) => events.map(({ revision }) => revision)));
  for (const { prev, rev, events } of messages) {
    const claimed = new Set(events.map(({ revision }) => revision));
    for (const revision of revisions) {
      if (revision > prev && revision <= rev) expect(claimed).toContain(revision);
    }
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
