import { etcdserverpb, mvccpb } from '#etcd';
import { createMemoryStore, type KeyValueStore } from '#store';
import { Registry } from '#telemetry';
import { FakeClock } from '#testing';
import { Member } from '../member';
import { createStoreServerMetrics } from '../metrics';
import { WatchSession } from './watch-session';

let clock: FakeClock;
let store: KeyValueStore;
let session: WatchSession;
let sent: etcdserverpb.WatchResponse[];
let failures: Error[];
/** Acknowledges everything that was written, as a client that reads does. */
let read: () => void;

beforeEach(async () => {
  clock = new FakeClock();
  store = createMemoryStore({ clock });
  sent = [];
  failures = [];
  const waiting: (() => void)[] = [];
  read = () => waiting.splice(0).forEach((taken) => taken());
  session = new WatchSession(
    {
      store,
      member: await Member.of(store),
      clock,
      metrics: createStoreServerMetrics(new Registry(), store, clock),
      progressNotifyMs: 60_000,
    },
    (message, taken) => {
      sent.push(etcdserverpb.WatchResponse.decode(message));
      waiting.push(taken);
    },
    (error) => failures.push(error),
  );
});
afterEach(async () => {
  session.end();
  await store.close();
  expect(clock.pending).toBe(0);
});

const create = (key: string, options: Partial<etcdserverpb.WatchCreateRequest> = {}): Promise<void> => {
  const createRequest = etcdserverpb.WatchCreateRequest.create({ key: Buffer.from(key), ...options });
  return session.receive({ requestUnion: { $case: 'createRequest', createRequest } });
};
const cancel = (watchId: bigint): Promise<void> =>
  session.receive({ requestUnion: { $case: 'cancelRequest', cancelRequest: { watchId } } });
const progress = (): Promise<void> =>
  session.receive({ requestUnion: { $case: 'progressRequest', progressRequest: {} } });
const put = (key: string, value: string | Buffer = 'x'): Promise<unknown> =>
  store.put({ key, value: Buffer.from(value) });
const turns = async (count = 5): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Takes what was sent, a line a response. */
function taken(): string[] {
  return sent.splice(0).map((response) => {
    const flags = (['created', 'canceled', 'fragment'] as const).filter((flag) => response[flag]);
    const events = response.events.map(
      ({ type, kv, prevKv }) =>
        `${type === mvccpb.Event_EventType.PUT ? 'put' : 'delete'} ${String(kv?.key)}${prevKv ? ` was ${String(prevKv.value)}` : ''}`,
    );
    const compacted = response.compactRevision > 0n ? [`compacted ${response.compactRevision}`] : [];
    const reason = response.cancelReason === '' ? [] : [response.cancelReason];
    const what = [...flags, ...compacted, ...reason, ...events].join(', ');
    return `#${response.watchId} @${response.header!.revision}${what === '' ? '' : `: ${what}`}`;
  });
}

it('serves several watches, each with its range, filters and previous values', async () => {
  await create('a', { prevKv: true });
  await create('a', { rangeEnd: Buffer.from('c'), filters: [etcdserverpb.WatchCreateRequest_FilterType.NOPUT] });
  await create('', { rangeEnd: Buffer.from('\0'), watchId: 77n });
  expect(taken()).toEqual(['#0 @1: created', '#1 @1: created', '#77 @1: created']);
  await put('a');
  expect(taken()).toEqual(['#0 @2: put a', '#77 @2: put a']);
  await store.deleteRange({ key: 'a' });
  expect(taken()).toEqual(['#0 @3: delete a was x', '#1 @3: delete a', '#77 @3: delete a']);
  await put('z');
  expect(taken()).toEqual(['#77 @4: put z']);
});

it('cancels what it is asked to, and ignores what it does not know', async () => {
  await create('a');
  await cancel(5n);
  await cancel(0n);
  await put('a');
  expect(taken()).toEqual(['#0 @1: created', '#0 @1: canceled']);
});

it('refuses an id that is taken and a range that is empty', async () => {
  await create('a', { watchId: 3n });
  await create('b', { watchId: 3n });
  await create('b', { rangeEnd: Buffer.from('a') });
  expect(taken()).toEqual([
    '#3 @1: created',
    '#-1 @1: created, canceled, mvcc: duplicate watch ID provided on the WatchStream',
    '#-1 @1: created, canceled, mvcc: watcher range is empty',
  ]);
});

it('reads history, and says when it is gone', async () => {
  for (const key of ['a', 'b', 'a']) await put(key);
  await create('a', { startRevision: 2n });
  await turns();
  expect(taken()).toEqual(['#0 @4: created', '#0 @4: put a, put a']);
  await store.compact(4);
  await create('a', { startRevision: 2n });
  await turns();
  expect(taken()).toEqual(['#1 @4: created', '#1 @0: canceled, compacted 4']);
  expect(failures).toEqual([]);
});

it('tells how far it has come: when asked, and now and then to who asked for that', async () => {
  await create('a', { progressNotify: true });
  await create('b');
  await put('z');
  await progress();
  expect(taken()).toEqual(['#0 @1: created', '#1 @1: created', '#-1 @2']);
  await clock.advance(60_000);
  expect(taken()).toEqual([]);
  await clock.advance(60_000);
  expect(taken()).toEqual(['#0 @2']);
  await put('a');
  await clock.advance(60_000);
  expect(taken()).toEqual(['#0 @3: put a']);
});

it('pauses watches of a client that does not read, and goes on from the same revision', async () => {
  await create('a', { rangeEnd: Buffer.from('\0') });
  await create('k5');
  taken();
  for (let n = 0; n < 20; n++) await put(`k${n}`, Buffer.alloc(256 * 1024));
  const early = taken().length;
  expect(early).toBeLessThan(8);
  let isRead = false;
  const room = session.hasRoom().then(() => (isRead = true));
  await progress();
  expect(Number(sent.at(-1)!.header!.revision)).toBeLessThan(8);
  taken();
  await turns();
  expect(isRead).toBe(false);
  const later: string[] = [];
  for (let round = 0; round < 20; round++) {
    read();
    await turns();
    later.push(...taken());
  }
  await room;
  const puts = later.join(', ').match(/put k\d+/g);
  expect(puts).toContain('put k19');
  // All that the first watch had not been sent, and the one of the second.
  expect(puts).toHaveLength(20 - early + 1);
});

it('ends a watch whose client fell behind further than history goes', async () => {
  await create('a', { rangeEnd: Buffer.from('\0') });
  for (let n = 0; n < 20; n++) await put('k', Buffer.alloc(256 * 1024));
  await store.compact(21);
  taken();
  read();
  await turns();
  expect(taken()).toEqual(['#0 @0: canceled, compacted 21']);
});

it('cuts a large transaction for a client that can put it together, and for no other', async () => {
  await create('a', { rangeEnd: Buffer.from('\0'), fragment: true });
  await create('a', { rangeEnd: Buffer.from('\0') });
  taken();
  const keys = ['a', 'b', 'c'];
  await store.txn({
    compare: [],
    success: keys.map((key) => ({ type: 'put', request: { key, value: Buffer.alloc(500 * 1024) } })),
  });
  expect(taken()).toEqual(['#0 @2: fragment, put a, put b', '#0 @2: put c']);
  // The other has to wait until that was read.
  read();
  await turns();
  expect(taken()).toEqual(['#1 @2: put a, put b, put c']);
});

it('ends with the store', async () => {
  await create('a');
  await store.close();
  expect(failures).toEqual([expect.objectContaining({ code: 'closed' })]);
});
