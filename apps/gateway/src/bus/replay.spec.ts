import { type ConfigMap, resources } from '#api';
import { type EventMessage, eventSubject } from '#bus';
import { type ObjectClient, createBusClient } from '#client';
import { createInformerFactory } from '#controller';
import { systemClock } from '#machinery';
import { silentLogger } from '#telemetry';
import { type Harness, startHarness } from '../testing/harness';

describe('a watch on the bus is a replay', () => {
  let harness: Harness;
  let client: ObjectClient;
  const replay = async (path: string): Promise<EventMessage> =>
    (await client.raw({ method: 'GET', path })) as unknown as EventMessage;
  const from = (revision: number): Promise<EventMessage> =>
    replay(`/api/v1/configmaps?watch=true&resourceVersion=${revision}`);

  beforeAll(async () => {
    harness = await startHarness();
    const { bus } = harness;
    client = createBusClient({
      bus,
      user: 'admin',
      clock: systemClock,
      random: Math.random,
      userAgent: 'test/1',
    });
  });
  afterAll(() => harness.stop());

  it('brings what has happened since, and the revision that it goes to', async () => {
    const first = await client.create(resources.configMaps, { metadata: { namespace: 'default', name: 'a' } });
    const start = Number(first.metadata?.resourceVersion);
    const changed = await client.update(resources.configMaps, { ...(first as ConfigMap), data: { x: '1' } });
    await client.delete(resources.configMaps, { namespace: 'default', name: 'a' });
    const { prev, rev, events } = await from(start);
    expect(prev).toBe(start);
    expect(events.map(({ type }) => type)).toEqual(['MODIFIED', 'DELETED']);
    expect(events[0]?.revision).toBe(Number(changed.metadata?.resourceVersion));
    expect(rev).toBeGreaterThanOrEqual(events[1]?.revision ?? Infinity);
    expect(await from(rev)).toEqual({ prev: rev, rev, events: [] });
  });

  it('comes in parts when it is long, and the parts make a whole', async () => {
    const marker = await client.create(resources.configMaps, { metadata: { namespace: 'default', name: 'start' } });
    const data = { text: 'x'.repeat(2000) };
    const names = Array.from({ length: 600 }, (_, i) => `long-${i}`);
    for (const name of names) {
      await client.create(resources.configMaps, { metadata: { namespace: 'default', name }, data });
    }
    const seen: (string | undefined)[] = [];
    let parts = 0;
    for (let at = Number(marker.metadata?.resourceVersion), more = true; more; parts++) {
      const part = await from(at);
      expect(part.prev).toBe(at);
      expect(Buffer.byteLength(JSON.stringify(part))).toBeLessThan(1 << 20);
      seen.push(...part.events.map(({ object }) => object.metadata?.name));
      at = part.rev;
      more = part.more === true;
    }
    expect(seen).toEqual(names);
    expect(parts).toBeGreaterThan(1);
  });

  it('brings what is too large for the event stream, which says only that there is something', async () => {
    const messages: EventMessage[] = [];
    const subject = eventSubject('', 'configmaps');
    const subscription = harness.bus.subscribe(subject, ({ payload }) => void messages.push(payload as EventMessage));
    const informers = createInformerFactory({
      ...{ bus: harness.bus, client, clock: systemClock, random: Math.random, logger: silentLogger() },
    });
    const informer = informers.informer(resources.configMaps);
    await informers.synced();
    const data = { text: 'x'.repeat(600 << 10) };
    const large = await client.create(resources.configMaps, {
      metadata: { namespace: 'default', name: 'large' },
      data,
    });
    const revision = Number(large.metadata?.resourceVersion);
    await informer.waitFor(revision);
    expect(informer.lister.get('default', 'large')?.data).toEqual(data);
    expect(messages.filter(({ events }) => events.some(({ object }) => object.metadata?.name === 'large'))).toEqual([]);
    expect(messages).toContainEqual({ prev: revision, rev: revision, events: [] });
    subscription.close();
    await informers.stop();
  });

  it('never brings the contents of secrets', async () => {
    const secret = { metadata: { namespace: 'default', name: 's' }, stringData: { password: 'hush' } };
    const { metadata } = await client.create(resources.secrets, secret);
    const answer = await replay(`/api/v1/secrets?watch=true&resourceVersion=${Number(metadata?.resourceVersion) - 1}`);
    expect(answer.events.map(({ object }) => object.metadata?.name)).toEqual(['s']);
    expect(JSON.stringify(answer)).not.toMatch(/hush|aHVzaA/);
  });

  it.each([
    ['without a revision', 400, '/api/v1/configmaps?watch=true'],
    ['of revision 0', 400, '/api/v1/configmaps?watch=true&resourceVersion=0'],
  ])('is refused %s', async (_, code, path) => {
    await expect(replay(path)).rejects.toMatchObject({ code });
  });

  it('is for those who may watch', async () => {
    const stranger = createBusClient({
      bus: harness.bus,
      user: 'stranger',
      clock: systemClock,
      random: Math.random,
      userAgent: 'test/1',
    });
    const path = '/api/v1/configmaps?watch=true&resourceVersion=1';
    await expect(stranger.raw({ method: 'GET', path })).rejects.toMatchObject({ code: 403 });
  });
});
