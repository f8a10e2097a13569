import { Etcd3 } from 'etcd3';
import { systemClock } from '#machinery';
import { createMemoryStore, type LocalStore } from '#store';
import { Registry, silentLogger } from '#telemetry';
import { createStoreServer, type RunningStoreServer } from '../../apps/store';
import { eventually } from '../tools/eventually';

let store: LocalStore;
let server: RunningStoreServer;
let client: Etcd3;

beforeEach(async () => {
  store = createMemoryStore({ clock: systemClock });
  server = await createStoreServer(
    { host: '127.0.0.1', port: 0 },
    { store, clock: systemClock, logger: silentLogger(), metrics: new Registry() },
  );
  client = new Etcd3({ hosts: server.address });
});
afterEach(async () => {
  client.close();
  await server.stop();
  await store.close();
});

it('puts, gets, lists and deletes', async () => {
  await client.put('app/a').value('1');
  await client.put('app/b').value('2');
  expect(await client.get('app/a').string()).toBe('1');
  expect(await client.get('missing').string()).toBeNull();
  expect(await client.getAll().prefix('app/').strings()).toEqual({ 'app/a': '1', 'app/b': '2' });
  expect((await client.delete().prefix('app/')).deleted).toBe('2');
});

it('compares and swaps', async () => {
  await client.put('k').value('old');
  const swap = () => client.if('k', 'Value', '==', 'old').then(client.put('k').value('new')).commit();
  expect((await swap()).succeeded).toBe(true);
  expect((await swap()).succeeded).toBe(false);
});

it('keeps keys with a lease and lets them go with it', async () => {
  const lease = client.lease(10);
  await lease.put('leased').value('x');
  expect(await client.get('leased').string()).toBe('x');
  await lease.keepaliveOnce();
  await lease.revoke();
  expect(await client.get('leased').string()).toBeNull();
});

it('watches', async () => {
  const seen: string[] = [];
  const watcher = await client.watch().prefix('w/').create();
  watcher.on('put', ({ value }) => seen.push(value.toString()));
  watcher.on('delete', ({ key }) => seen.push(`-${key.toString()}`));
  await client.put('w/1').value('one');
  await client.delete().key('w/1');
  await eventually(() => expect(seen).toEqual(['one', '-w/1']));
  await watcher.cancel();
});

it('locks one at a time', async () => {
  const lock = client.lock('door');
  await lock.acquire();
  await expect(client.lock('door').acquire()).rejects.toThrow(/lock/i);
  await lock.release();
  await client.lock('door').do(async () => undefined);
});

it('elects', async () => {
  const election = client.election('chair', 5);
  const campaign = election.campaign('ann');
  await new Promise((resolve) => campaign.once('elected', () => resolve(undefined)));
  expect(await election.leader()).toBe('ann');
  await campaign.resign();
  expect(await election.leader()).toBeUndefined();
});

it('retries transactions in memory that others come between', async () => {
  await client.put('count').value('0');
  const add = () =>
    client.stm({ retries: 20 }).transact(async (tx) => {
      const count = Number(await tx.get('count').string());
      await tx.put('count').value(String(count + 1));
    });
  await Promise.all([add(), add(), add()]);
  expect(await client.get('count').string()).toBe('3');
});

it('is told apart by name and password', async () => {
  await client.user('root').create('secret');
  await client.role('root').create();
  await client.user('root').addRole('root');
  await client.auth.authEnable();
  await expect(client.get('a').exec()).rejects.toThrow(/user name is empty/);
  const known = new Etcd3({ hosts: server.address, auth: { username: 'root', password: 'secret' } });
  try {
    await known.put('a').value('1');
    expect(await known.get('a').string()).toBe('1');
    await expect(
      new Etcd3({ hosts: server.address, auth: { username: 'root', password: 'wrong' } }).get('a').exec(),
    ).rejects.toThrow(/authentication failed/);
    await known.auth.authDisable();
  } finally {
    known.close();
  }
});
