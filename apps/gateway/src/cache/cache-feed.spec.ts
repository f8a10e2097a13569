import { type KeyValueStore, StoreError, type WatchHandler, createMemoryStore } from '#store';
import { silentLogger } from '#telemetry';
import { FakeClock } from '#testing';
import { CacheFeed } from './cache-feed';

const prefix = '/registry/core/configmaps/';
const value = (name: string): Buffer =>
  Buffer.from(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"${name}"}}`);

describe('CacheFeed', () => {
  let clock: FakeClock;
  let store: KeyValueStore;
  let feed: CacheFeed;
  let handler: WatchHandler | undefined;
  let starts: (number | undefined)[];

  const put = (name: string) => store.put({ key: `${prefix}default/${name}`, value: value(name) });
  const names = (): string[] => [...feed.cache(prefix).range(prefix)].map(({ object }) => object.metadata?.name ?? '');
  const recorder = () => {
    const seen: string[] = [];
    feed.cache(prefix).subscribe({
      onEvents: (events) => seen.push(...events.map(({ type, object }) => `${type} ${object.object.metadata?.name}`)),
      onReset: () => seen.push(`reset to ${names().join()} at ${feed.revision}`),
    });
    return seen;
  };

  beforeEach(async () => {
    clock = new FakeClock();
    const inner = createMemoryStore({ clock, logger: silentLogger() });
    starts = [];
    store = new Proxy(inner, {
      get: (target, property) => {
        if (property !== 'watch') return (Reflect.get(target, property) as () => void).bind(target);
        return (request: Parameters<KeyValueStore['watch']>[0], given: WatchHandler) => {
          handler = given;
          starts.push(request.startRevision);
          return target.watch(request, given);
        };
      },
    });
    await put('a');
    feed = new CacheFeed(store, clock, silentLogger());
    feed.cache(prefix);
    await feed.start();
  });
  afterEach(async () => {
    feed.stop();
    await store.close();
  });

  const cut = (error: Error): void => {
    const { onEnd } = handler!;
    // The store goes on with the old watch; what it says is not heard.
    handler!.onBatch = () => undefined;
    onEnd.call(handler, error);
  };

  it('goes on with a watch that ended, without a reset', async () => {
    const seen = recorder();
    const before = feed.revision;
    cut(new Error('connection lost'));
    await put('b');
    await clock.advance(1000);
    expect(starts).toEqual([before + 1, before + 1]);
    expect(seen).toEqual(['ADDED b']);
    expect(names()).toEqual(['a', 'b']);
  });

  it('takes over a new state in one step when history is gone', async () => {
    const seen = recorder();
    cut(new StoreError('compacted', 'gone', 2));
    await put('b');
    await store.deleteRange({ key: `${prefix}default/a` });
    const states = new Set<string>();
    feed.onRevision((revision) => states.add(`${names().join()} at ${revision}`));
    const { revision } = await store.status();
    await clock.advance(1000);
    expect(seen).toEqual([`reset to b at ${revision}`]);
    expect([...states]).toEqual([`b at ${revision}`]);
  });
});
