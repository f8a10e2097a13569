import { once } from 'node:events';
import { type Etcd3, type IKeyValue, Range } from 'etcd3';
import { describeWith } from '../tools/requirements';
import { expectSame, inTime, type Pair, startPair } from './etcdctl';
import { answers, plain, told, withEtcd3 } from './etcd3';
import { TcpProxy } from './tcp-proxy';

/** @returns all that the client heard: the same from our server as from etcd */
type Scenario = (client: Etcd3, host: string) => Promise<unknown>;

/** Seconds. The client may wait so long before it lets its process end. */
const TTL = 15;
/** For a request. */
const TOO_LARGE = 'v'.repeat(1_600_000);

const keys: Scenario = async (client) => {
  const all = (): ReturnType<Etcd3['getAll']> => client.getAll().prefix('kv/');
  return answers({
    puts: () => client.put('kv/a').value('1'),
    'puts again, and sees what was there': () => client.put('kv/a').value('2').getPrevious(),
    'puts a number': () => client.put('kv/n').value(42),
    'puts bytes': () => client.put(Buffer.from('kv/b')).value(Buffer.from([0, 255, 10])),
    'puts JSON': () => client.put('kv/j').value('{"x":[1]}'),
    touches: () => client.put('kv/a').touch(),
    'touches what is not there': () => client.put('kv/none').touch(),
    'puts nowhere': () => client.put('').value('x'),
    'ignores a lease': () => client.put('kv/a').value('3').ignoreLease(),
    'ignores the lease of nobody': () => client.put('kv/none').value('3').ignoreLease(),
    gets: () => client.get('kv/a').exec(),
    'gets text, numbers, bytes, JSON': () =>
      Promise.all([
        client.get('kv/a').string(),
        client.get('kv/n').number(),
        client.get('kv/b').buffer(),
        client.get('kv/j').json(),
        client.get('kv/none').string(),
      ]),
    'is there': () => Promise.all([client.get('kv/a').exists(), client.get('kv/none').exists()]),
    'gets what was': () => client.get('kv/a').revision(2).exec(),
    'gets what will be': () => client.get('kv/a').revision(9_999),
    'gets without asking others': () => client.get('kv/a').serializable(true).exec(),
    'gets by revision': () => all().minModRevision(4).maxModRevision(5).exec(),
    'gets by creation': () => all().minCreateRevision(3).maxCreateRevision(4).exec(),
    lists: () => all().exec(),
    'lists in order': () => all().sort('Mod', 'Descend').keys(),
    'lists by value': () => all().sort('Value', 'Ascend').keys(),
    'lists by version': () => all().sort('Version', 'Descend').limit(1).exec(),
    'lists a few': () => all().limit(2).exec(),
    counts: () => all().count(),
    'lists a range': () => client.getAll().inRange(new Range('kv/a', 'kv/j')).strings(),
    'lists from a key on': () => client.getAll().inRange(new Range('kv/j', '\0')).keys(),
    'lists backwards': () => client.getAll().inRange(new Range('z', 'a')).exec(),
    'deletes what is not there': () => client.delete().key('kv/none'),
    'deletes, and sees what was there': () => client.delete().key('kv/n').getPrevious(),
    'deletes a range': () => client.delete().range(new Range('kv/a', 'kv/c')),
    'deletes the rest': () => client.delete().prefix('kv/').exec(),
    'deletes all': () => client.delete().all(),
    'is too large': () => client.put('kv/large').value(TOO_LARGE),
  });
};

const transactions: Scenario = async (client) => {
  const swap = (): Promise<unknown> =>
    client
      .if('tx/a', 'Value', '==', 'old')
      .and('tx/a', 'Version', '>', 0)
      .and('tx/none', 'Create', '==', 0)
      .then(client.put('tx/a').value('new'), client.get('tx/a'), client.delete().key('tx/b'))
      .else(client.get('tx/a'), client.getAll().prefix('tx/'))
      .commit();
  const many = (count: number) => Array.from({ length: count }, (_, n) => client.put(`tx/many/${n}`).value('x'));
  const always = client.if('tx/none', 'Version', '==', 0);
  return answers({
    puts: () => client.put('tx/a').value('old'),
    'puts another': () => client.put('tx/b').value('x'),
    swaps: swap,
    'swaps no more': swap,
    'compares less and more': () =>
      client.if('tx/a', 'Mod', '<', 2).and('tx/a', 'Lease', '==', 0).then(client.get('tx/a')).commit(),
    differs: () => client.if('tx/a', 'Value', '!==', 'x').then(client.get('tx/a')).commit(),
    'does nothing': () => client.if('tx/a', 'Value', '==', 'x').then(client.get('tx/a')).commit(),
    '128': () => always.then(...many(128)).commit(),
    '129': () => always.then(...many(129)).commit(),
    'a key twice': () => always.then(client.put('tx/a').value(1), client.put('tx/a').value(2)).commit(),
    'what will be': () => always.then(client.get('tx/a').revision(9_999)).commit(),
    'too large': () => always.then(client.put('tx/large').value(TOO_LARGE)).commit(),
    'what is left': () => client.getAll().prefix('tx/').count(),
  });
};

/** As many as come between the others, and one that has to give up. */
const memory: Scenario = async (client) => {
  await client.put('count').value('0');
  const add = (): Promise<void> =>
    client.stm({ retries: 20 }).transact(async (tx) => {
      const count = Number(await tx.get('count').string());
      await tx.put('count').value(String(count + 1));
    });
  await Promise.all([add(), add(), add()]);
  const late = client.stm({ retries: 0 }).transact(async (tx) => {
    await tx.get('count').string();
    await client.put('count').value('10');
    await tx.put('count').value('11');
  });
  return [await told(late), await client.get('count').string()];
};

const leases: Scenario = async (client) => {
  const { leaseClient } = client;
  const lease = client.lease(TTL);
  const ID = await lease.grant();
  const heard = await answers({
    'keeps a key': () => lease.put('leased/a').value('x'),
    'has it': () => client.get('leased/a').exec(),
    'is kept alive': () => lease.keepaliveOnce(),
    'has time to live': () => leaseClient.leaseTimeToLive({ ID, keys: true }),
    'is there': async () => (await leaseClient.leaseLeases()).leases.some((each) => each.ID === ID),
    'is granted twice': async () => String(await told(leaseClient.leaseGrant({ ID, TTL: 10 }))),
    goes: () => lease.revoke(),
    'took the key along': () => client.get('leased/a').exists(),
    'goes again': () => leaseClient.leaseRevoke({ ID }),
    'has no time to live': () => leaseClient.leaseTimeToLive({ ID }),
    'keeps nothing': () => client.put('leased/b').value('x').lease(ID),
    'lives too long': () => leaseClient.leaseGrant({ TTL: 9_000_000_001 }),
  });

  const lost = client.lease(TTL);
  const loss = once(lost, 'lost');
  await leaseClient.leaseRevoke({ ID: await lost.grant() });
  const renewal = String(await told(lost.keepaliveOnce())).replaceAll(await lost.grant(), '<id>');

  // As short as etcd lets them be. One is kept alive meanwhile, again and again.
  const [kept, forgotten] = [client.lease(2), client.lease(2, { autoKeepAlive: false })];
  await kept.put('leased/kept').value('x');
  await forgotten.put('leased/forgotten').value('x');
  await inTime(async () => expect(await client.get('leased/forgotten').exists()).toBe(false));
  const isKept = await client.get('leased/kept').exists();
  await kept.revoke();
  return [heard, renewal, ((await loss) as [Error])[0].constructor.name, isKept];
};

const locks: Scenario = async (client) => {
  const lock = client.lock('door').ttl(TTL);
  await lock.acquire();
  const second = await told(client.lock('door').ttl(TTL).acquire());
  await lock.release();
  return [
    second,
    await client
      .lock('door')
      .ttl(TTL)
      .do(async () => client.getAll().prefix('door').count()),
  ];
};

const elections: Scenario = async (client) => {
  const election = client.election('chair', TTL);
  const heard: unknown[] = [await election.leader()];
  const ann = election.campaign('ann');
  await ann.wait();
  const observer = await election.observe();
  const changes = [observer.leader()];
  observer.on('change', (leader) => changes.push(leader));
  const bob = election.campaign('bob');
  await once(bob, '_isWaiting');
  await ann.proclaim('anna');
  await inTime(() => expect(changes).toContain('anna'));
  const elected = bob.wait();
  await ann.resign();
  await elected;
  await inTime(() => expect(changes).toContain('bob'));
  heard.push(await told(ann.proclaim('late')), await election.leader());
  await observer.cancel();
  await bob.resign();
  return [...heard, await election.leader(), changes];
};

const watches: Scenario = async (client) => {
  const heard: unknown[] = [];
  const note = (kind: string) => (kv: IKeyValue, before?: IKeyValue) => heard.push([kind, plain(kv), plain(before)]);
  const first = (await client.put('w/0').value('before')).header.revision;
  const listen = async (builder: ReturnType<Etcd3['watch']>) => {
    const watcher = await builder.create();
    watcher.on('put', note('put'));
    watcher.on('delete', note('delete'));
    return watcher;
  };
  const all = await listen(client.watch().prefix('w/').startRevision(first).withPreviousKV());
  const puts = await listen(client.watch().key('w/1').only('put'));
  const deletions = await listen(client.watch().inRange(new Range('w/1', 'w/2')).ignore('put'));
  await client.put('w/1').value('one');
  await client.put('w/1').value('two');
  await client.if('w/1', 'Version', '>', 0).then(client.delete().key('w/1'), client.put('w/3').value('x')).commit();
  await inTime(() => expect(heard).toHaveLength(9));
  for (const watcher of [all, puts, deletions]) await watcher.cancel();
  await client.put('w/1').value('unheard');
  // Of several watches nobody knows which hears first.
  return heard.map((each) => JSON.stringify(each)).sort();
};

/** What happened while there was no connection is heard when there is one again; unless it was compacted. */
const reconnections: Scenario = async (_client, host) => {
  const proxy = await TcpProxy.start(host);
  const { port } = proxy;
  const put = (value: string): Promise<unknown> =>
    withEtcd3(host, async (direct) => direct.put('r/a').value(value).exec());
  return withEtcd3(`127.0.0.1:${port}`, async (client) => {
    const heard: string[] = [];
    const watcher = await client.watch().prefix('r/').create();
    watcher.on('put', ({ value }) => heard.push(value.toString()));
    await put('1');
    await inTime(() => expect(heard).toEqual(['1']));
    const interrupted = once(watcher, 'disconnected');
    await proxy.stop();
    await interrupted;
    await put('2');
    await put('3');
    const again = await TcpProxy.start(host, port);
    try {
      await inTime(() => expect(heard.at(-1)).toBe('3'));
      await client.put('r/a').value('4');
      await inTime(() => expect(heard.at(-1)).toBe('4'));
      await watcher.cancel();
      const { header } = await client.get('r/a').exec();
      await client.kv.compact({ revision: header.revision });
      const compacted = await told(client.get('r/a').revision(2).exec());
      const late = client.watch().key('r/a').startRevision('2').watcher();
      const [error] = (await once(late, 'error')) as [Error];
      return [heard, compacted, `${error.constructor.name}: ${error.message}`];
    } finally {
      await again.stop();
    }
  });
};

const namespaces: Scenario = async (client) => {
  const mine = client.namespace('mine/');
  const heard: string[] = [];
  const watcher = await mine.watch().prefix('').create();
  watcher.on('put', ({ key }) => heard.push(key.toString()));
  const told = await answers({
    puts: () => mine.put('a').value('1'),
    'puts outside': () => client.put('a').value('2'),
    gets: () => mine.get('a').string(),
    lists: () => mine.getAll().keys(),
    'is a prefix': () => client.get('mine/a').string(),
    nests: () => mine.namespace('deep/').put('b').value('3'),
    compares: () => mine.if('a', 'Value', '==', '1').then(mine.put('c').value('4')).commit(),
    locks: () =>
      mine
        .lock('l')
        .ttl(TTL)
        .do(async () => client.getAll().prefix('mine/l').count()),
    'deletes all': () => mine.delete().all(),
    'leaves the rest': () => client.getAll().keys(),
  });
  await inTime(() => expect(heard).toContain('c'));
  await watcher.cancel();
  return [told, heard.filter((key) => !key.startsWith('l'))];
};

describeWith(['etcd'], 'the etcd3 client', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair();
  });
  afterAll(() => pair.stop());

  it.each<[string, Scenario]>([
    ['keys and ranges', keys],
    ['transactions', transactions],
    ['namespaces', namespaces],
    ['watches', watches],
    ['leases', leases],
    ['locks', locks],
    ['elections', elections],
    ['transactions in memory that others come between', memory],
    ['watches that lose their connection', reconnections],
  ])('sees no difference between our server and etcd: %s', (_what, scenario) =>
    expectSame(pair, (host) => withEtcd3(host, (client) => scenario(client, host))),
  );
});
