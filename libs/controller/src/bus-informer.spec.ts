import fc from 'fast-check';
import { type ConfigMap, resources } from '#api';
import { type Bus, type EventMessage, type ObjectEvent, createInProcessBus, eventSubject, withFaults } from '#bus';
import { type ObjectClient, type RawCall } from '#client';
import { type DeepReadonly, expired } from '#machinery';
import { silentLogger } from '#telemetry';
import { FakeClock } from '#testing';
import { type Informer, createInformerFactory } from '../index';

type State = ReadonlyMap<string, string>;
const subject = eventSubject('', 'configmaps');
const PAGE = 5;

/** A store with its history, and the gateway that lists, publishes and replays it. */
class Model {
  revision = 10;
  readonly history: ObjectEvent[] = [];
  readonly states = new Map<number, State>([[10, new Map()]]);
  compacted = 0;
  lists = 0;
  replays = 0;
  private published = 10;
  private held: EventMessage[] = [];

  constructor(private readonly bus: Bus) {}

  get state(): State {
    return this.states.get(this.revision)!;
  }

  readonly client = {
    list: async () => {
      this.lists++;
      const items = [...this.state].map(([name, resourceVersion]) => this.object(name, resourceVersion));
      return { metadata: { resourceVersion: String(this.revision) }, items };
    },
    raw: async ({ path }: RawCall) => {
      this.replays++;
      const from = Number(new URL(path, 'bus://').searchParams.get('resourceVersion'));
      if (from < this.compacted) throw expired('too old resource version');
      const events = this.history.filter(({ revision }) => revision > from);
      // Cut as gateways cut long histories.
      const page = events.slice(0, PAGE);
      if (page.length < events.length) return { prev: from, rev: page.at(-1)?.revision, events: page, more: true };
      return { prev: from, rev: this.revision, events };
    },
  } as unknown as ObjectClient;

  /** Another resource changes too: revisions have holes. */
  skip(): void {
    this.states.set(this.revision + 1, this.state);
    this.revision++;
  }

  set(name: string): void {
    const type = this.state.has(name) ? 'MODIFIED' : 'ADDED';
    this.change(type, name, (state) => state.set(name, String(this.revision)));
  }

  delete(name: string): void {
    if (this.state.has(name)) this.change('DELETED', name, (state) => state.delete(name));
  }

  publish(): void {
    const message = this.next();
    this.bus.publish(subject, message);
  }

  /** Keeps an interval back; `release` sends it late, out of order. */
  hold(): void {
    this.held.push(this.next());
  }

  release(): void {
    for (const message of this.held.splice(0).reverse()) this.bus.publish(subject, message);
  }

  compact(): void {
    this.compacted = this.revision;
  }

  private next(): EventMessage {
    const prev = this.published;
    this.published = this.revision;
    return { prev, rev: this.revision, events: this.history.filter(({ revision }) => revision > prev) };
  }

  private change(type: ObjectEvent['type'], name: string, apply: (state: Map<string, string>) => void): void {
    const next = new Map(this.state);
    this.revision++;
    apply(next);
    this.states.set(this.revision, next);
    this.history.push({ type, revision: this.revision, object: this.object(name, String(this.revision)) });
  }

  private object(name: string, resourceVersion: string): ConfigMap {
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'default', name, resourceVersion, uid: name },
    };
  }
}

function open(bus: Bus, model: Model, clock: FakeClock, random: () => number = () => 0.5) {
  const factory = createInformerFactory({ bus, client: model.client, clock, random, logger: silentLogger() });
  return { factory, informer: factory.informer(resources.configMaps) };
}

function contents(objects: readonly DeepReadonly<ConfigMap>[]): Map<string, string> {
  return new Map(objects.map(({ metadata }) => [metadata?.name ?? '', metadata?.resourceVersion ?? '']));
}

describe('BusInformer', () => {
  const setUp = () => {
    const clock = new FakeClock();
    const bus = createInProcessBus({ clock, random: () => 0 });
    const model = new Model(bus);
    return { clock, bus, model };
  };

  it('lists, then follows', async () => {
    const { clock, bus, model } = setUp();
    model.set('a');
    const { factory, informer } = open(bus, model, clock);
    expect(informer.hasSynced()).toBe(false);
    await factory.synced();
    expect(informer.lister.get('default', 'a')).toBeDefined();
    const seen: string[] = [];
    informer.addHandler({
      onAdd: (object) => seen.push(`add ${object.metadata?.name}`),
      onUpdate: (object, old) =>
        seen.push(`update ${old.metadata?.resourceVersion} ${object.metadata?.resourceVersion}`),
      onDelete: (object) => seen.push(`delete ${object.metadata?.name}`),
    });
    model.set('a');
    model.set('b');
    model.publish();
    model.delete('a');
    model.publish();
    await informer.waitFor(model.revision);
    expect(seen).toEqual(['add a', 'update 11 12', 'add b', 'delete a']);
    expect([model.lists, model.replays]).toEqual([1, 0]);
    await factory.stop();
    expect(clock.pending).toBe(0);
  });

  it('asks for a replay when an interval is missing, and lists when the history is gone', async () => {
    const { clock, bus, model } = setUp();
    const { factory, informer } = open(bus, model, clock);
    await factory.synced();
    model.set('a');
    model.hold();
    model.set('b');
    model.publish();
    await informer.waitFor(model.revision);
    expect([model.lists, model.replays]).toEqual([1, 1]);
    model.set('c');
    model.hold();
    model.compact();
    model.delete('a');
    model.publish();
    await informer.waitFor(model.revision);
    expect([model.lists, model.replays]).toEqual([2, 2]);
    expect(contents(informer.lister.list())).toEqual(model.state);
    await factory.stop();
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a text', 'x'],
    ['a list', []],
    ['no interval', { events: [] }],
    ['an interval that is none', { prev: 'a', rev: 1e12, events: [] }],
    ['an interval that goes back', { prev: 12, rev: 3, events: [] }],
    ['no events', { prev: 0, rev: 1e12 }],
    ['events that are none', { prev: 0, rev: 1e12, events: [null] }],
    ['an event without an object', { prev: 0, rev: 1e12, events: [{ type: 'ADDED', revision: 1e12 }] }],
    ['an object without a name', { prev: 0, rev: 1e12, events: [{ type: 'ADDED', revision: 1e12, object: {} }] }],
  ])('takes %s for a message that was lost', async (_, payload) => {
    const { clock, bus, model } = setUp();
    const { factory, informer } = open(bus, model, clock);
    await factory.synced();
    model.set('a');
    bus.publish(subject, payload as object);
    await informer.waitFor(model.revision);
    expect(informer.lister.list()).toHaveLength(1);
    expect([model.lists, model.replays]).toEqual([1, 1]);
    await factory.stop();
  });

  it('asks for a replay when the stream is silent for five seconds', async () => {
    const { clock, bus, model } = setUp();
    const { factory, informer } = open(bus, model, clock);
    await factory.synced();
    model.set('a');
    await clock.advance(4000);
    expect(informer.lister.list()).toHaveLength(0);
    await clock.advance(1000);
    expect(informer.lister.list()).toHaveLength(1);
    expect(model.replays).toBe(1);
    await factory.stop();
  });

  it('retries a list that fails, and gives up when it is stopped', async () => {
    const { clock, bus, model } = setUp();
    let isDown = true;
    const client = {
      list: () => (isDown ? Promise.reject(new Error('down')) : model.client.list(resources.configMaps)),
    } as unknown as ObjectClient;
    const factory = createInformerFactory({ bus, client, clock, random: () => 0.5, logger: silentLogger() });
    const informer = factory.informer(resources.configMaps);
    await clock.advance(1000);
    expect(informer.hasSynced()).toBe(false);
    isDown = false;
    await clock.advance(5000);
    expect(informer.hasSynced()).toBe(true);
    const waiting = expect(informer.waitFor(1e9)).rejects.toThrow('stopped');
    await factory.stop();
    await waiting;
    expect(clock.pending).toBe(0);
  });

  it('keeps only what its field selector picks', async () => {
    const { clock, bus, model } = setUp();
    const factory = createInformerFactory({
      bus,
      client: model.client,
      clock,
      random: () => 0.5,
      logger: silentLogger(),
    });
    const informer = factory.informer(resources.configMaps, { fieldSelector: 'metadata.name=b' });
    await factory.synced();
    model.set('a');
    model.set('b');
    model.publish();
    await informer.waitFor(model.revision);
    expect([...contents(informer.lister.list()).keys()]).toEqual(['b']);
    await factory.stop();
  });

  const step = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constantFrom('set', 'delete'), fc.constantFrom('a', 'b', 'c', 'd')) },
    { weight: 4, arbitrary: fc.constantFrom(['publish'], ['skip'], ['hold'], ['release'], ['advance']) },
    { weight: 1, arbitrary: fc.constant(['compact']) },
  );

  it('always shows a state that the store had at its revision, whatever is lost, late, doubled or out of order (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 2 ** 31 - 2 }),
        async (steps, start) => {
          let seed = start;
          const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
          const clock = new FakeClock();
          const inner = createInProcessBus({ clock, random });
          const bus = withFaults(inner, {
            clock,
            random,
            lossRate: 0.2,
            duplicateRate: 0.2,
            maxDelayMs: 50,
            requestLossRate: 0.2,
          });
          const model = new Model(inner);
          const { factory, informer } = open(bus, model, clock, random);
          const assertConsistent = (): void => {
            if (!informer.hasSynced()) return;
            expect(contents(informer.lister.list())).toEqual(model.states.get(informer.revision()));
          };
          const mirror = mirrorOf(informer, assertConsistent);
          for (const [name, argument] of steps) {
            if (name === 'set') model.set(argument);
            else if (name === 'delete') model.delete(argument);
            else if (name === 'publish') model.publish();
            else if (name === 'skip') model.skip();
            else if (name === 'hold') model.hold();
            else if (name === 'release') model.release();
            else if (name === 'compact') model.compact();
            else await clock.advance(30);
            assertConsistent();
          }
          // Quiet: intervals go on, the informer catches up.
          for (let second = 0; second < 60; second++) {
            model.publish();
            await clock.advance(1000);
          }
          expect(informer.revision()).toBe(model.revision);
          assertConsistent();
          expect(mirror).toEqual(model.state);
          await factory.stop();
          await bus.close();
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** What somebody who only listens to the handlers believes to be there. */
function mirrorOf(informer: Informer<ConfigMap>, check: () => void): Map<string, string> {
  const mirror = new Map<string, string>();
  const put = ({ metadata }: DeepReadonly<ConfigMap>): void => {
    mirror.set(metadata?.name ?? '', metadata?.resourceVersion ?? '');
    check();
  };
  informer.addHandler({
    onAdd: put,
    onUpdate: put,
    onDelete: ({ metadata }) => {
      mirror.delete(metadata?.name ?? '');
      check();
    },
  });
  return mirror;
}
