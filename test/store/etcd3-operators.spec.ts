import { type Etcd3, Range } from 'etcd3';
import { describeWith } from '../tools/requirements';
import { expectSame, type Pair, startPair } from './etcdctl';
import { answers, told, withEtcd3 } from './etcd3';

async function maintenance(client: Etcd3): Promise<unknown> {
  const { maintenance: operator, cluster, kv } = client;
  await client.put('a').value('1');
  return answers({
    'tells how it is': () => operator.status(),
    hashes: async () => Number((await operator.hash()).hash) > 0,
    'lists alarms': async () => (await operator.alarm({ action: 'Get', memberID: 0, alarm: 'None' })).alarms,
    defragments: () => operator.defragment(),
    'gives a snapshot away': async () => {
      const stream = await operator.snapshot();
      let bytes = 0;
      let remaining = '';
      stream.on('data', (part) => {
        bytes += part.blob.length;
        remaining = part.remaining_bytes;
      });
      await new Promise((resolve, reject) => {
        stream.on('end', () => resolve(undefined));
        stream.on('error', reject);
      });
      return { hasBytes: bytes > 0, remaining };
    },
    'moves leadership to nobody': () => operator.moveLeader({ targetID: 123 }),
    'lists members': async () => {
      const { header, members } = await cluster.memberList({});
      return { header, names: members.map(({ peerURLs, clientURLs }) => [peerURLs.length > 0, clientURLs.length > 0]) };
    },
    'removes nobody': () => cluster.memberRemove({ ID: 123 }),
    'updates nobody': () => cluster.memberUpdate({ ID: 123, peerURLs: ['http://127.0.0.1:1'] }),
    'promotes nobody': () => cluster.memberPromote({ ID: 123 }),
    compacts: () => kv.compact({ revision: 2 }),
    'compacts again': () => kv.compact({ revision: 2 }),
    'compacts what will be': () => kv.compact({ revision: 9_999 }),
  });
}

/** Users, roles, and what they may. Leaves everybody free again. */
async function users(client: Etcd3, host: string): Promise<unknown> {
  const as = (username: string, password: string, ask: (known: Etcd3) => unknown): (() => Promise<unknown>) => {
    return () => withEtcd3(host, (known) => told(ask(known)), { auth: { username, password } });
  };
  const reader = client.role('reader');
  const permission = { permission: 'Read', range: Range.prefix('open/') } as const;
  const names = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);
  return answers({
    'enables nothing without root': () => client.auth.authEnable(),
    'makes a user': async () => (await client.user('ann').create('wonder')).name,
    'makes it again': () => client.user('ann').create('wonder'),
    'makes nobody': () => client.user('').create('wonder'),
    'makes a role': async () => (await reader.create()).name,
    'makes it once more': () => reader.create(),
    grants: async () => (await reader.grant(permission)).name,
    'grants a key': async () => (await reader.grant({ permission: 'Readwrite', key: 'one' })).name,
    'tells permissions': () => reader.permissions(),
    'tells permissions of none': () => client.role('none').permissions(),
    'takes back': async () => (await reader.revoke({ permission: 'Readwrite', key: 'one' })).name,
    'takes back what nobody has': () => reader.revoke({ permission: 'Read', key: 'one' }),
    'gives a role': async () => (await client.user('ann').addRole(reader)).name,
    'gives a role to nobody': () => client.user('bob').addRole(reader),
    'gives no role': () => client.user('ann').addRole('none'),
    'tells roles': async () => names(await client.user('ann').roles()),
    'makes root': async () => {
      await client.user('root').create('secret');
      await client.role('root').create();
      await client.user('root').addRole('root');
    },
    'writes while it may': () => client.put('open/a').value('1'),
    enables: () => client.auth.authEnable(),
    'does not know who asks': () => client.get('open/a').exec(),
    'knows a wrong password': as('ann', 'wrong', (known) => known.get('open/a').string()),
    'knows no such user': as('bob', 'wonder', (known) => known.get('open/a').string()),
    'lets ann read': as('ann', 'wonder', (known) => known.getAll().prefix('open/').strings()),
    'lets her not write': as('ann', 'wonder', (known) => known.put('open/a').value('2')),
    'lets her not read': as('ann', 'wonder', (known) => known.get('other').string()),
    'lets her not compare': as('ann', 'wonder', (known) =>
      known.if('other', 'Version', '==', 0).then(known.get('open/a')).commit(),
    ),
    'lets her not govern': as('ann', 'wonder', (known) => known.user('ann').delete()),
    'tells her of no others': as('ann', 'wonder', (known) => known.getUsers()),
    'lets root write': as('root', 'secret', (known) => known.put('other').value('x')),
    'tells root of all': as('root', 'secret', async (known) => [
      names(await known.getUsers()),
      names(await known.getRoles()),
    ]),
    'keeps root': as('root', 'secret', (known) => known.user('root').delete()),
    'sets a password': as('root', 'secret', async (known) => (await known.user('ann').setPassword('land')).name),
    'knows the old one no more': as('ann', 'wonder', (known) => known.get('open/a').string()),
    'knows the new one': as('ann', 'land', (known) => known.get('open/a').string()),
    'takes the role': as('root', 'secret', async (known) => (await known.user('ann').removeRole('reader')).name),
    'lets her read no more': as('ann', 'land', (known) => known.get('open/a').string()),
    deletes: as('root', 'secret', async (known) => {
      await known.user('ann').delete();
      await known.role('reader').delete();
      return known.auth.authDisable();
    }),
    'is open to everybody': () => client.get('open/a').string(),
  });
}

describeWith(['etcd'], 'the etcd3 client of an operator', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ isMember: true });
  });
  afterAll(() => pair.stop());

  it.each([
    ['maintenance', maintenance],
    ['users and roles', users],
  ] as const)('sees no difference between our server and etcd: %s', (_what, scenario) =>
    expectSame(pair, (host) => withEtcd3(host, (client) => scenario(client, host))),
  );
});
