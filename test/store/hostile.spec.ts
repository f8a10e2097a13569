import { randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import { Client, credentials, status } from '@grpc/grpc-js';
import { etcdserverpb, kvService, watchService } from '#etcd';
import { systemClock } from '#machinery';
import { issueCertificate } from '#pki';
import { createMemoryStore, type KeyValueStore } from '#store';
import { Registry, silentLogger } from '#telemetry';
import { createStoreServer, type RunningStoreServer } from '../../apps/store';
import { eventually } from '../tools/eventually';
import { type Certificates, clientTls, makeCertificates, serverTls } from './certificates';
import { connect } from './connect';

let certificates: Certificates;
let behind: KeyValueStore;
let metrics: Registry;
let server: RunningStoreServer;

beforeAll(async () => {
  certificates = await makeCertificates();
});
beforeEach(async () => {
  behind = createMemoryStore({ clock: systemClock });
  metrics = new Registry();
  server = await createStoreServer(
    { host: '127.0.0.1', port: 0, tls: serverTls(certificates) },
    { store: behind, clock: systemClock, logger: silentLogger(), metrics },
  );
});
afterEach(async () => {
  await server.stop();
  await behind.close();
});

/** Whether a client with this identity is served. */
async function isServed(
  options: { caPem: string; certificatePem?: string; keyPem?: string },
  requestTimeoutMs = 500,
): Promise<boolean> {
  const store = await connect([`https://${server.address}`], { tls: options, requestTimeoutMs });
  try {
    await store.range({ key: 'a' });
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'unavailable' });
    return false;
  } finally {
    await store.close();
  }
}

function rawClient(): Client {
  const { caPem, certificatePem, keyPem } = clientTls(certificates);
  const pems = [caPem, keyPem, certificatePem].map((pem) => Buffer.from(pem)) as [Buffer, Buffer, Buffer];
  return new Client(server.address.replace('127.0.0.1', 'localhost'), credentials.createSsl(...pems));
}

async function watcherCount(name: string): Promise<number | undefined> {
  const metric = await metrics.getSingleMetric(name)!.get();
  return metric.values[0]?.value;
}

it('serves only clients that the CA knows', async () => {
  const foreign = await makeCertificates();
  const expired = await makeCertificates(-1, Date.now() - 2 * 86_400_000);
  const good = clientTls(certificates);
  // Who is served is not in a hurry: the first handshake of a process takes its time.
  expect(await isServed(good, 10_000)).toBe(true);
  expect(await isServed({ caPem: good.caPem })).toBe(false);
  expect(await isServed({ ...clientTls(foreign), caPem: good.caPem })).toBe(false);
  expect(await isServed({ ...clientTls(expired), caPem: good.caPem })).toBe(false);
  // And the client trusts no server but the CA's.
  expect(await isServed({ ...good, caPem: foreign.authority.certificatePem })).toBe(false);
});

it('serves only those clients that it names, if it names any', async () => {
  const { authority } = certificates;
  const other = await issueCertificate(authority, { commonName: 'node', usages: ['client'], days: 1 }, Date.now());
  const before = server;
  server = await createStoreServer(
    { host: '127.0.0.1', port: 0, tls: { ...serverTls(certificates), allowedNames: ['gateway'] } },
    { store: behind, clock: systemClock, logger: silentLogger(), metrics: new Registry() },
  );
  await before.stop();
  expect(await isServed(clientTls(certificates), 10_000)).toBe(true);
  expect(await isServed({ ...other, caPem: authority.certificatePem })).toBe(false);
});

it('is not served by a server whose certificate has expired or names another host', async () => {
  const { authority, client } = certificates;
  const tlsOf = (pair: { certificatePem: string; keyPem: string }): ReturnType<typeof serverTls> => ({
    ...pair,
    clientCaPem: authority.certificatePem,
  });
  const request = { commonName: 'store', usages: ['server'] } as const;
  const past = Date.now() - 3 * 86_400_000;
  for (const pair of [
    await issueCertificate(authority, { ...request, ipAddresses: ['127.0.0.1'], days: 1 }, past),
    await issueCertificate(
      authority,
      { ...request, ipAddresses: ['127.0.0.2'], dnsNames: ['store.invalid'] },
      Date.now(),
    ),
  ]) {
    const other = await createStoreServer(
      { host: '127.0.0.1', port: 0, tls: tlsOf(pair) },
      { store: behind, clock: systemClock, logger: silentLogger(), metrics: new Registry() },
    );
    const store = await connect([`https://${other.address}`], {
      tls: { caPem: authority.certificatePem, ...client },
      requestTimeoutMs: 500,
    });
    await expect(store.range({ key: 'a' })).rejects.toMatchObject({ code: 'unavailable' });
    await store.close();
    await other.stop();
  }
});

it('listens beyond this machine only for clients with certificates', async () => {
  const deps = { store: behind, clock: systemClock, logger: silentLogger(), metrics: new Registry() };
  const { clientCaPem: _, ...withoutClientCa } = serverTls(certificates);
  for (const tlsConfig of [undefined, withoutClientCa]) {
    await expect(createStoreServer({ host: '0.0.0.0', port: 0, tls: tlsConfig }, deps)).rejects.toThrow(
      /only to clients with certificates/,
    );
  }
});

it('survives garbage on its port, before and inside TLS', async () => {
  const [host = '', port] = server.address.split(':');
  const { certificatePem, keyPem, caPem } = clientTls(certificates);
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  for (let n = 0; n < 40; n++) {
    const isInside = n % 2 === 0;
    const socket = isInside
      ? tls.connect({ host, port: Number(port), ca: caPem, cert: certificatePem, key: keyPem, ALPNProtocols: ['h2'] })
      : net.connect({ host, port: Number(port) });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once(isInside ? 'secureConnect' : 'connect', resolve));
    if (n % 4 === 0) socket.write(preface);
    socket.write(randomBytes(1 + n * 100));
    if (n % 3 === 0) socket.destroy();
    else await new Promise((resolve) => socket.end(randomBytes(50), () => resolve(undefined)));
    socket.destroy();
  }
  expect(await isServed(clientTls(certificates), 10_000)).toBe(true);
});

it('refuses messages that are no protobuf, and requests that are too large', async () => {
  const client = rawClient();
  const send = (bytes: Buffer): Promise<{ code: status; details: string }> =>
    new Promise((resolve) => {
      client.makeUnaryRequest(
        kvService.put.path,
        (raw: Buffer) => raw,
        (raw) => raw,
        bytes,
        (error) => resolve({ code: error?.code ?? status.OK, details: error?.details ?? '' }),
      );
    });
  try {
    expect((await send(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x7f]))).code).toBe(status.INTERNAL);
    expect((await send(randomBytes(1000))).code).not.toBe(status.OK);
    const put = (bytes: number): Buffer =>
      kvService.put.requestSerialize(
        etcdserverpb.PutRequest.create({ key: Buffer.from('a'), value: Buffer.alloc(bytes) }),
      );
    expect(await send(put(1.8 * 1024 * 1024))).toEqual({
      code: status.INVALID_ARGUMENT,
      details: 'etcdserver: request is too large',
    });
    expect((await send(put(3 * 1024 * 1024))).code).toBe(status.RESOURCE_EXHAUSTED);
    expect((await send(put(1024))).code).toBe(status.OK);
  } finally {
    client.close();
  }
});

it('answers what is no HTTP, or no JSON, or too much of it, and goes on', async () => {
  const plain = await createStoreServer(
    { host: '127.0.0.1', port: 0 },
    { store: behind, clock: systemClock, logger: silentLogger(), metrics: new Registry() },
  );
  const [host, port] = plain.address.split(':');
  const say = (bytes: Buffer | string): Promise<string> =>
    new Promise((resolve) => {
      const socket = net.connect({ host, port: Number(port) }, () => socket.write(bytes));
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk.toString('latin1');
        socket.destroy();
      });
      socket.on('error', () => undefined).on('close', () => resolve(heard));
    });
  const post = (body: string): Promise<Response> =>
    fetch(`http://${plain.address}/v3/kv/put`, { method: 'POST', body });
  try {
    expect(await say(Buffer.from([0, 1, 2, 3]))).toMatch(/^HTTP\/1.1 400/);
    expect(await say('GET /health HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
    expect(await say('POST http://[ HTTP/1.1\r\nhost: x\r\n\r\n')).toMatch(/^HTTP\/1.1 404/);
    const value = Buffer.alloc(1.6 * 1024 * 1024).toString('base64');
    for (const body of [`{"key":"YQ==","value":"${value}"}`, `{"key":"YQ==","value":"${value}${value}"}`]) {
      const response = await post(body);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ message: 'etcdserver: request is too large' });
    }
    expect((await post('['.repeat(100_000))).status).toBe(400);
    expect((await post(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)).status).toBe(400);
    expect((await post(`{"key":"YQ==","value":"${value.slice(0, 1_000_000)}"}`)).status).toBe(200);
  } finally {
    await plain.stop();
  }
});

it('takes larger requests when it is told to', async () => {
  const maxRequestBytes = 4 * 1024 * 1024;
  const roomy = createMemoryStore({ clock: systemClock, maxRequestBytes });
  const other = await createStoreServer(
    { host: '127.0.0.1', port: 0, maxRequestBytes },
    { store: roomy, clock: systemClock, logger: silentLogger(), metrics: new Registry() },
  );
  const store = await connect([`http://${other.address}`]);
  try {
    const value = randomBytes(3 * 1024 * 1024);
    await store.put({ key: 'a', value });
    expect(value.equals((await store.range({ key: 'a' })).kvs[0]!.value)).toBe(true);
    await expect(store.put({ key: 'a', value: Buffer.alloc(5 * 1024 * 1024) })).rejects.toMatchObject({
      code: 'request-too-large',
    });
  } finally {
    await store.close();
    await other.stop();
    await roomy.close();
  }
});

it('does not queue for a watcher that does not read, and loses nothing for it', async () => {
  const client = rawClient();
  const stream = client.makeBidiStreamRequest(
    watchService.watch.path,
    watchService.watch.requestSerialize,
    watchService.watch.responseDeserialize,
  );
  stream.on('error', () => undefined);
  try {
    const createRequest = { key: Buffer.from('\0'), rangeEnd: Buffer.from('\0'), fragment: true };
    stream.write(
      etcdserverpb.WatchRequest.create({
        requestUnion: { $case: 'createRequest', createRequest: createRequest },
      }),
    );
    await eventually(async () => expect(await watcherCount('etcd_debugging_mvcc_watcher_total')).toBe(1));
    // The client reads nothing: 64 MiB do not fit into windows and buffers.
    const value = Buffer.alloc(256 * 1024);
    for (let n = 0; n < 256; n++) await behind.put({ key: `k${n}`, value });
    expect(await watcherCount('etcd_debugging_mvcc_slow_watcher_total')).toBe(1);
    const revisions: bigint[] = [];
    stream.on('data', ({ events }: etcdserverpb.WatchResponse) => {
      for (const { kv } of events) revisions.push(kv!.modRevision);
    });
    await eventually(() => expect(revisions).toHaveLength(256));
    expect(revisions).toEqual(Array.from({ length: 256 }, (_, n) => BigInt(n + 2)));
    expect(await watcherCount('etcd_debugging_mvcc_slow_watcher_total')).toBe(0);
  } finally {
    stream.cancel();
    client.close();
  }
  await eventually(async () => expect(await watcherCount('etcd_debugging_mvcc_watcher_total')).toBe(0));
});
