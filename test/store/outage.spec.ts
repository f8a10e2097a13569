import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type KeyValueStore, StoreError, type WatchBatch } from '#store';
import { eventually } from '../tools/eventually';
import { freePort } from '../tools/free-ports';
import { type Certificates, clientTls, makeCertificates, serverTls } from './certificates';
import { connect } from './connect';
import { type StoreProcess, startStoreProcess } from './store-process';
import { TcpProxy } from './tcp-proxy';

let certificates: Certificates;
let directory: string;
let server: StoreProcess;
let port: number;
const clients: KeyValueStore[] = [];

const start = async (): Promise<StoreProcess> =>
  (server = await startStoreProcess({ directory, host: '127.0.0.1', port, tls: serverTls(certificates) }));

/** Impatient, so that the tests are not slow. */
async function client(endpoints = [`https://${server.address}`], requestTimeoutMs = 3_000): Promise<KeyValueStore> {
  const store = await connect(endpoints, { tls: clientTls(certificates), keepAliveMs: 1_000, requestTimeoutMs });
  clients.push(store);
  return store;
}

function record(store: KeyValueStore, startRevision?: number): { batches: WatchBatch[]; ends: Error[] } {
  const batches: WatchBatch[] = [];
  const ends: Error[] = [];
  store.watch(
    { key: '\0', rangeEnd: '\0', startRevision },
    { onBatch: (batch) => batches.push(batch), onEnd: (error) => ends.push(error) },
  );
  return { batches, ends };
}

const text = (value: string): Uint8Array => Buffer.from(value);

beforeAll(async () => {
  certificates = await makeCertificates();
});
beforeEach(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-outage-'));
  port = await freePort();
  await start();
});
afterEach(async () => {
  for (const store of clients.splice(0)) await store.close();
  await server.kill();
  fs.rmSync(directory, { recursive: true, force: true });
});

it('survives kill -9: no acknowledged write lost, no event lost or doubled', async () => {
  const store = await client();
  const watched = record(store, 1);
  const acknowledged: { key: string; revision: number }[] = [];
  const refused: unknown[] = [];
  let isWriting = true;
  const writer = async (name: string): Promise<void> => {
    for (let n = 0; isWriting; n++) {
      const key = `${name}/${n}`;
      const value = { type: 'put', request: { key, value: text(key) } } as const;
      const twin = { type: 'put', request: { key: `${key}/twin`, value: text(key) } } as const;
      try {
        const { revision } = await store.txn({ compare: [], success: [value, twin] });
        acknowledged.push({ key, revision });
      } catch (error) {
        refused.push(error);
      }
    }
  };
  const writers = ['a', 'b', 'c', 'd'].map(writer);
  for (let life = 0; life < 5; life++) {
    const before = acknowledged.length;
    await eventually(() => expect(acknowledged.length).toBeGreaterThan(before + 50));
    await server.kill();
    await start();
  }
  const before = acknowledged.length;
  await eventually(() => expect(acknowledged.length).toBeGreaterThan(before + 50));
  isWriting = false;
  await Promise.all(writers);

  for (const error of refused) {
    expect(error).toBeInstanceOf(StoreError);
    expect((error as StoreError).code).toBe('unavailable');
  }
  // What a write said is what is there.
  const { kvs, revision } = await store.range({ key: '\0', rangeEnd: '\0' });
  const found = new Map(kvs.map((kv) => [kv.key, kv.modRevision]));
  for (const each of acknowledged) expect(found.get(each.key)).toBe(each.revision);
  // Every revision was delivered, once, in order, whole.
  await eventually(() => expect(watched.batches.at(-1)?.revision).toBe(revision));
  expect(watched.batches.map((batch) => batch.revision)).toEqual(
    Array.from({ length: revision - 1 }, (_, index) => index + 2),
  );
  for (const batch of watched.batches) expect(batch.events).toHaveLength(2);
  expect(watched.ends).toEqual([]);
});

it('says so when nobody knows whether a write was carried out', async () => {
  const store = await client();
  await store.put({ key: 'a', value: text('1') });
  server.child.kill('SIGSTOP');
  const lost = store.put({ key: 'a', value: text('2') });
  await expect(lost).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/^the outcome of the write is unknown/),
  });
  server.child.kill('SIGCONT');
});

it('says that there is no connection when a write was not even sent', async () => {
  const store = await client();
  await server.kill();
  await expect(store.put({ key: 'a', value: text('1') })).rejects.toMatchObject({
    code: 'unavailable',
    message: `no connection to the store: https://${server.address}`,
  });
});

it('waits for a server that is about to come back', async () => {
  const store = await client(undefined, 25_000);
  await store.put({ key: 'a', value: text('1') });
  await server.kill();
  const write = store.put({ key: 'a', value: text('2') });
  const read = store.range({ key: 'a' });
  await start();
  expect((await write).revision).toBe(3);
  expect((await read).count).toBe(1);
});

it('goes to another endpoint when one fails', async () => {
  const proxies = [await TcpProxy.start(server.address), await TcpProxy.start(server.address)];
  try {
    const store = await client(proxies.map((proxy) => `https://127.0.0.1:${proxy.port}`));
    const watched = record(store);
    for (let n = 0; n < 10; n++) await store.put({ key: 'a', value: text(String(n)) });
    const used = proxies.find(({ connections }) => connections > 0)!;
    const usedPort = used.port;
    await used.stop();
    await store.range({ key: 'a' });
    for (let n = 10; n < 20; n++) await store.put({ key: 'a', value: text(String(n)) });
    // And back, when the other one goes.
    proxies[proxies.indexOf(used)] = await TcpProxy.start(server.address, usedPort);
    await proxies.find(({ port: each }) => each !== usedPort)!.stop();
    await store.range({ key: 'a' });
    for (let n = 20; n < 30; n++) await store.put({ key: 'a', value: text(String(n)) });
    await eventually(() => expect(watched.batches).toHaveLength(30));
    const values = watched.batches.map(({ events }) => Buffer.from(events[0]!.kv.value).toString());
    expect(values).toEqual(Array.from({ length: 30 }, (_, n) => String(n)));
  } finally {
    for (const proxy of proxies) await proxy.stop().catch(() => undefined);
  }
});

it('ends a watch whose history was compacted while it was away', async () => {
  const proxy = await TcpProxy.start(server.address);
  const proxyPort = proxy.port;
  const away = await client([`https://127.0.0.1:${proxyPort}`]);
  const here = await client();
  const watched = record(away, 2);
  await here.put({ key: 'a', value: text('1') });
  await eventually(() => expect(watched.batches).toHaveLength(1));
  await proxy.stop();
  for (let n = 0; n < 5; n++) await here.put({ key: 'a', value: text('2') });
  await here.compact(6);
  const again = await TcpProxy.start(server.address, proxyPort);
  try {
    await eventually(() => expect(watched.ends).toHaveLength(1));
    expect(watched.ends[0]).toMatchObject({ code: 'compacted', compactRevision: 6 });
    expect(watched.batches).toHaveLength(1);
  } finally {
    await again.stop();
  }
});

it('notices a server that stands still, and goes on when it moves again', async () => {
  const proxy = await TcpProxy.start(server.address);
  try {
    const store = await client([`https://127.0.0.1:${proxy.port}`]);
    const watched = record(store);
    await store.put({ key: 'a', value: text('1') });
    server.child.kill('SIGSTOP');
    // The connection is given up within one and a half keep-alives; the next one, which the kernel accepts, waits for the server.
    await eventually(() => expect(proxy.ended).toBeGreaterThan(0), 10_000);
    server.child.kill('SIGCONT');
    await eventually(() => store.put({ key: 'a', value: text('2') }));
    await eventually(() => expect(watched.batches.at(-1)?.events[0]?.kv.value).toEqual(text('2')));
    expect(watched.ends).toEqual([]);
  } finally {
    server.child.kill('SIGCONT');
    await proxy.stop();
  }
});

it('goes on by another connection when the other end of one has vanished without a word', async () => {
  const proxy = await TcpProxy.start(server.address);
  try {
    // Calls end long before a ping is due, and without one under way there is none.
    const options = { tls: clientTls(certificates), requestTimeoutMs: 1_000 };
    const store = await connect([`https://127.0.0.1:${proxy.port}`], options);
    clients.push(store);
    await eventually(() => store.put({ key: 'a', value: text('1') }));
    proxy.silence();
    await expect(store.range({ key: 'a' })).rejects.toMatchObject({ code: 'unavailable' });
    await eventually(async () => expect((await store.range({ key: 'a' })).count).toBe(1), 8_000);
    await store.put({ key: 'a', value: text('2') });
  } finally {
    await proxy.stop();
  }
});

it('reaches a server although whoever took the connection first never says a word', async () => {
  await server.kill();
  const mute = net.createServer((socket) => socket.on('error', () => undefined));
  mute.listen(port, '127.0.0.1');
  await once(mute, 'listening');
  const store = await client([`https://127.0.0.1:${port}`], 25_000);
  const connected = once(mute, 'connection') as Promise<[net.Socket]>;
  const read = store.range({ key: 'a' });
  const [socket] = await connected;
  mute.close();
  try {
    await start();
    expect((await read).count).toBe(0);
  } finally {
    socket.destroy();
  }
});

it('stops gracefully: what is in flight is answered, watches move on', async () => {
  const store = await client();
  const watched = record(store);
  const writes = Array.from({ length: 50 }, (_, n) => store.put({ key: `k${n}`, value: text('1') }));
  const results = Promise.allSettled(writes);
  await writes[0];
  server.child.kill('SIGTERM');
  await eventually(() => expect(server.child.exitCode).toBe(0));
  await start();
  const fulfilled = (await results).filter(({ status }) => status === 'fulfilled').length;
  const { count, revision } = await store.range({ key: 'k', rangeEnd: 'l' });
  expect(count).toBeGreaterThanOrEqual(fulfilled);
  await eventually(() => expect(watched.batches.at(-1)?.revision).toBe(revision));
  expect(watched.batches).toHaveLength(count);
});
