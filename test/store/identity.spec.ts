import { Client, credentials, Metadata } from '@grpc/grpc-js';
import https from 'node:https';
import { etcdserverpb, watchService } from '#etcd';
import { systemClock } from '#machinery';
import { createMemoryStore, type LocalStore } from '#store';
import { Registry, silentLogger } from '#telemetry';
import { createStoreServer, type RunningStoreServer } from '../../apps/store';
import { eventually } from '../tools/eventually';
import { type Certificates, clientTls, makeCertificates, serverTls } from './certificates';
import { connect } from './connect';

let certificates: Certificates;
let store: LocalStore;
let server: RunningStoreServer;
const value = Buffer.from('x');

beforeAll(async () => {
  certificates = await makeCertificates();
});
/** root, and `gateway`, which is what the client's certificate says, who may use `own/`. */
beforeEach(async () => {
  store = createMemoryStore({ clock: systemClock });
  const { administration } = store;
  await administration.changeAuth({ kind: 'user-add', name: 'root', password: 'secret' });
  await administration.changeAuth({ kind: 'user-grant-role', name: 'root', role: 'root' });
  await administration.changeAuth({ kind: 'user-add', name: 'gateway', password: undefined });
  await administration.changeAuth({ kind: 'role-add', name: 'own' });
  const permission = { access: 'readwrite', key: 'own/', rangeEnd: 'own0' } as const;
  await administration.changeAuth({ kind: 'role-grant-permission', name: 'own', permission });
  await administration.changeAuth({ kind: 'user-grant-role', name: 'gateway', role: 'own' });
  await administration.changeAuth({ kind: 'enable' });
  server = await createStoreServer(
    { host: '127.0.0.1', port: 0, tls: serverTls(certificates) },
    { store, clock: systemClock, logger: silentLogger(), metrics: new Registry() },
  );
});
afterEach(async () => {
  await server.stop();
  await store.close();
});

function post(path: string, body: object, token?: string): Promise<{ status: number; body: string }> {
  const { caPem, certificatePem, keyPem } = clientTls(certificates);
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: token };
    const options = { method: 'POST', ca: caPem, cert: certificatePem, key: keyPem, headers };
    const request = https.request(`https://${server.address}${path}`, options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    request.on('error', reject);
    request.end(JSON.stringify(body));
  });
}

function rawClient(): Client {
  const { caPem, certificatePem, keyPem } = clientTls(certificates);
  const pems = [caPem, keyPem, certificatePem].map((pem) => Buffer.from(pem)) as [Buffer, Buffer, Buffer];
  return new Client(server.address.replace('127.0.0.1', 'localhost'), credentials.createSsl(...pems));
}

it('takes the name in a client certificate for the user', async () => {
  const client = await connect([`https://${server.address}`], { tls: clientTls(certificates) });
  try {
    await client.put({ key: 'own/1', value });
    expect((await client.range({ key: 'own/1' })).count).toBe(1);
    await expect(client.put({ key: 'other', value })).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(client.range({ key: 'other' })).rejects.toMatchObject({ code: 'permission-denied' });
  } finally {
    await client.close();
  }
});

it('does not take it for who asks through JSON, and a token there instead', async () => {
  const key = Buffer.from('own/1').toString('base64');
  expect(await post('/v3/kv/range', { key })).toMatchObject({
    status: 400,
    body: expect.stringMatching(/user name is empty/),
  });
  const { body } = await post('/v3/auth/authenticate', { name: 'root', password: 'secret' });
  const { token } = JSON.parse(body) as { token: string };
  expect((await post('/v3/kv/range', { key }, token)).status).toBe(200);
  await store.administration.changeAuth({ kind: 'user-change-password', name: 'root', password: 'other' });
  expect(await post('/v3/kv/range', { key }, token)).toMatchObject({
    status: 401,
    body: expect.stringMatching(/invalid auth token/),
  });
});

it('says why a watch is refused, and lets the stream live', async () => {
  const client = rawClient();
  const { path, requestSerialize, responseDeserialize } = watchService.watch;
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const heard: etcdserverpb.WatchResponse[] = [];
  stream.on('error', () => undefined).on('data', (response: etcdserverpb.WatchResponse) => heard.push(response));
  const create = (key: string): unknown =>
    stream.write(
      etcdserverpb.WatchRequest.fromPartial({
        requestUnion: { $case: 'createRequest', createRequest: { key: Buffer.from(key) } },
      }),
    );
  try {
    create('other');
    create('own/1');
    await eventually(() => expect(heard).toHaveLength(2));
    expect(heard[0]).toMatchObject({
      watchId: -1n,
      created: true,
      canceled: true,
      cancelReason: 'rpc error: code = PermissionDenied desc = etcdserver: permission denied',
    });
    // Who has nothing more to ask goes on hearing.
    stream.end();
    await store.put({ key: 'own/1', value });
    await eventually(() => expect(heard[2]?.events).toHaveLength(1));
  } finally {
    stream.cancel();
    client.close();
  }
});

it('does not fall back to the certificate when a token is worth nothing', async () => {
  const client = rawClient();
  const metadata = new Metadata();
  metadata.set('token', 'nobodys.1');
  try {
    const code = await new Promise((resolve) => {
      const { path, requestSerialize, responseDeserialize } = watchService.watch;
      client
        .makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata)
        .on('error', () => undefined)
        .on('data', ({ cancelReason }: etcdserverpb.WatchResponse) => resolve(cancelReason))
        .write(
          etcdserverpb.WatchRequest.fromPartial({
            requestUnion: { $case: 'createRequest', createRequest: { key: Buffer.from('own/1') } },
          }),
        );
    });
    expect(code).toBe('rpc error: code = Unauthenticated desc = etcdserver: invalid auth token');
  } finally {
    client.close();
  }
});
