import { eventually } from '../tools/eventually';
import { describeWith } from '../tools/requirements';
import { expectSame, type Pair, startPair } from './etcdctl';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** What depends on the server, and not on what it does. */
function normalise(text: string): string {
  return text
    .replace(
      /"(cluster_id|member_id|raft_term|raftIndex|raftTerm|raftAppliedIndex|leader|dbSize|dbSizeInUse|memberID)":"\d+"/g,
      '"$1":"<number>"',
    )
    .replace(/"(dbSizeQuota|storageVersion)":"[^"]*",?/g, '')
    .replace(/,\}/g, '}')
    .replace(/"hash":\d+/g, '"hash":<number>')
    .replace(/"version":"\d+\.[\d.]+"/g, '"version":"<version>"')
    .replace(/"(etcdserver|etcdcluster)":"[\d.]+"/g, '"$1":"<version>"')
    .replace(/"ID":"(\d{4,}|1)"/g, '"ID":"<number>"')
    .replace(/"TTL":"(59\d|600)"/g, '"TTL":"600"')
    .replace(/"token":"[A-Za-z]+\.\d+"/g, '"token":"<token>"')
    .replace(/,?"(peerURLs|clientURLs)":\[[^\]]*\]/g, '');
}

interface Request {
  readonly path: string;
  readonly body?: unknown;
  readonly method?: string;
  /** Words of JSON's parser, and what newer versions of etcd say otherwise: only the code and the status have to be the same. */
  readonly loose?: boolean;
}

async function ask(endpoint: string, { path, body, method = 'POST', loose }: Request, token = ''): Promise<string> {
  const response = await fetch(`http://${endpoint}${path}`, {
    method,
    ...(method === 'POST' ? { body: typeof body === 'string' ? body : JSON.stringify(body ?? {}) } : {}),
    headers: token === '' ? {} : { authorization: token },
  });
  const text = await response.text();
  const said = loose ? ((JSON.parse(text) as { code: number }).code ?? '') : normalise(text);
  return `${method} ${path} ${JSON.stringify(body ?? '')}\n${response.status} ${said}`;
}

/** One after the other on an empty store. */
const requests: readonly Request[] = [
  { path: '/health', method: 'GET' },
  { path: '/version', method: 'GET' },
  { path: '/nothing', method: 'GET' },
  { path: '/v3/kv/range', method: 'GET' },
  { path: '/v3/kv/put', body: { key: base64('a'), value: base64('1') } },
  { path: '/v3/kv/put', body: { key: base64('a'), value: base64('2'), prev_kv: true } },
  { path: '/v3/kv/put', body: { key: base64('b'), value: base64('1'), prevKv: true, lease: '77' } },
  { path: '/v3/kv/put', body: { key: base64('\x00\xff'), value: '' } },
  { path: '/v3/kv/range', body: { key: base64('a') } },
  {
    path: '/v3/kv/range',
    body: { key: base64('a'), range_end: base64('z'), sort_order: 'DESCEND', sortTarget: 'MOD' },
  },
  { path: '/v3/kv/range', body: { key: base64('a'), limit: 1, count_only: true } },
  { path: '/v3/kv/range', body: { key: base64('a'), revision: '2' } },
  { path: '/v3/kv/range', body: { key: base64('a'), revision: 99 } },
  { path: '/v3/kv/range', body: { nothing: 1 } },
  { path: '/v3/kv/range', body: {} },
  { path: '/v3/kv/range', body: { key: '!!' } },
  { path: '/v3/kv/range', body: '{"key":' },
  { path: '/v3/kv/range', body: { key: base64('a'), limit: 'x' }, loose: true },
  { path: '/v3/kv/range', body: { key: 5 }, loose: true },
  { path: '/v3/kv/range', body: { key: base64('a'), sort_order: 'SIDEWAYS' }, loose: true },
  { path: '/v3/kv/range', body: '[1]', loose: true },
  { path: '/v3/kv/range', body: 'nonsense', loose: true },
  {
    path: '/v3/kv/txn',
    body: {
      compare: [{ result: 'EQUAL', target: 'VALUE', key: base64('a'), value: base64('2') }],
      success: [{ request_put: { key: base64('a'), value: base64('3') } }, { requestRange: { key: base64('a') } }],
      failure: [{ request_delete_range: { key: base64('a') } }],
    },
  },
  { path: '/v3/kv/txn', body: { success: [{ request_txn: { success: [{ request_range: { key: base64('a') } }] } }] } },
  { path: '/v3/kv/deleterange', body: { key: base64('a'), prev_kv: true } },
  { path: '/v3/kv/deleterange', body: { key: base64('a') } },
  { path: '/v3/kv/compaction', body: { revision: '3' } },
  { path: '/v3/kv/compaction', body: { revision: '3' } },
  { path: '/v3/kv/compaction', body: { revision: 99 } },
  { path: '/v3/lease/grant', body: { ID: 5, TTL: 600 } },
  { path: '/v3/lease/grant', body: { ID: '5', TTL: '600' } },
  { path: '/v3/lease/grant', body: { TTL: 600 } },
  { path: '/v3/lease/keepalive', body: '{"ID":5}{"ID":6}' },
  { path: '/v3/lease/timetolive', body: { ID: 5, keys: true } },
  { path: '/v3/lease/revoke', body: { ID: 6 } },
  { path: '/v3/lease/revoke', body: { ID: 5 } },
  { path: '/v3/cluster/member/list' },
  { path: '/v3/maintenance/status' },
  { path: '/v3/maintenance/defragment' },
  { path: '/v3/maintenance/hash' },
  { path: '/v3/auth/enable' },
  { path: '/v3/auth/authenticate', body: { name: 'a', password: 'b' } },
  { path: '/v3/lease/grant', body: { ID: 7, TTL: 600 } },
  { path: '/v3/lock/lock', body: { name: base64('door'), lease: 7 } },
  { path: '/v3/lock/lock', body: { name: base64('door'), lease: 7 } },
  { path: '/v3/lock/unlock', body: { key: base64('door/7') } },
  { path: '/v3/lock/lock', body: { name: base64('door'), lease: 8 } },
  { path: '/v3/election/campaign', body: { name: base64('chair'), lease: 7, value: base64('ann') } },
  { path: '/v3/election/campaign', body: { name: base64('chair'), lease: 7, value: base64('bob') } },
  { path: '/v3/election/campaign', body: { name: base64('chair'), lease: 7, value: base64('bob') } },
  { path: '/v3/election/leader', body: { name: base64('chair') } },
  { path: '/v3/election/leader', body: { name: base64('table') } },
  { path: '/v3/election/proclaim', body: {} },
  { path: '/v3/election/proclaim', body: { leader: { key: base64('chair/7'), rev: 1, lease: 7 } } },
  { path: '/v3/election/resign', body: { leader: { key: base64('chair/7'), rev: 1, lease: 7 } } },
];

async function transcript(endpoint: string): Promise<string[]> {
  const lines: string[] = [];
  for (const request of requests) lines.push(await ask(endpoint, request));
  return lines;
}

/** As a program would: a token first, then what it needs. */
async function authTranscript(endpoint: string): Promise<string[]> {
  const lines: string[] = [];
  for (const [path, body] of [
    ['/v3/auth/user/add', { name: 'root', password: 'secret' }],
    ['/v3/auth/role/add', { name: 'root' }],
    ['/v3/auth/user/grant', { user: 'root', role: 'root' }],
    ['/v3/auth/user/get', { name: 'root' }],
    ['/v3/auth/role/add', { name: 'reader' }],
    ['/v3/auth/role/grant', { name: 'reader', perm: { permType: 'WRITE', key: base64('a'), range_end: base64('b') } }],
    ['/v3/auth/role/get', { role: 'reader' }],
    ['/v3/auth/enable', {}],
    ['/v3/kv/range', { key: base64('a') }],
    ['/v3/auth/authenticate', { name: 'root', password: 'wrong' }],
  ] as const) {
    lines.push(await ask(endpoint, { path, body }));
  }
  const response = await fetch(`http://${endpoint}/v3/auth/authenticate`, {
    method: 'POST',
    body: JSON.stringify({ name: 'root', password: 'secret' }),
  });
  const { token } = (await response.json()) as { token: string };
  lines.push(await ask(endpoint, { path: '/v3/kv/range', body: { key: base64('a') } }, token));
  lines.push(await ask(endpoint, { path: '/v3/auth/user/list' }, token));
  lines.push(await ask(endpoint, { path: '/v3/kv/range', body: { key: base64('a') } }, 'nobodys.1'));
  lines.push(await ask(endpoint, { path: '/v3/auth/disable' }, token));
  return lines;
}

/** Documents of a stream until there are enough. */
async function streamed(
  endpoint: string,
  path: string,
  body: unknown,
  count: number,
  then?: () => Promise<unknown>,
): Promise<string[]> {
  const abort = new AbortController();
  const response = await fetch(`http://${endpoint}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: abort.signal,
  });
  let text = '';
  try {
    let isAsked = false;
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk as Uint8Array).toString();
      const complete = text.split('\n').length - 1;
      if (complete >= count) break;
      // Sooner, and what it changes might come in one line with what was there before.
      if (complete === count - 1 && !isAsked) {
        isAsked = true;
        await then?.();
      }
    }
  } finally {
    abort.abort();
  }
  return text.split('\n').slice(0, count).map(normalise);
}

describeWith(['etcd'], 'the JSON gateway', () => {
  let pair: Pair;
  beforeEach(async () => {
    pair = await startPair();
  });
  afterEach(() => pair.stop());

  it('answers as that of etcd', () => expectSame(pair, transcript), 120_000);
  it('asks for tokens as that of etcd', () => expectSame(pair, authTranscript), 120_000);

  it(
    'streams watches as that of etcd',
    () =>
      expectSame(pair, async (endpoint) => {
        const put = (value: string) =>
          ask(endpoint, { path: '/v3/kv/put', body: { key: base64('w'), value: base64(value) } });
        await put('before');
        const request = { create_request: { key: base64('w'), start_revision: 2, prev_kv: true } };
        return streamed(endpoint, '/v3/watch', request, 3, () => put('after'));
      }),
    120_000,
  );

  it(
    'streams what an election comes to as that of etcd',
    () =>
      expectSame(pair, async (endpoint) => {
        const body = { name: base64('chair'), lease: 7, value: base64('ann') };
        await ask(endpoint, { path: '/v3/lease/grant', body: { ID: 7, TTL: 600 } });
        await ask(endpoint, { path: '/v3/election/campaign', body });
        return streamed(endpoint, '/v3/election/observe', { name: base64('chair') }, 2, () =>
          ask(endpoint, { path: '/v3/election/campaign', body: { ...body, value: base64('bob') } }),
        );
      }),
    120_000,
  );

  it('tells what is measured by the names of etcd', async () => {
    const names = async (endpoint: string): Promise<string[]> => {
      await ask(endpoint, { path: '/v3/kv/put', body: { key: base64('a') } });
      const text = await (await fetch(`http://${endpoint}/metrics`)).text();
      return [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
    };
    const theirs = new Set(await names(pair.theirs));
    const ours = await names(pair.ours);
    expect(ours).toContain('etcd_server_has_leader');
    expect(ours.filter((name) => !theirs.has(name))).toEqual([]);
  });

  it('is not for the pages of a browser', async () => {
    const response = await fetch(`http://${pair.ours}/v3/kv/range`, {
      method: 'POST',
      body: JSON.stringify({ key: base64('a') }),
      headers: { origin: 'http://somewhere.example' },
    });
    expect(response.status).toBe(403);
  });

  it('lets go of a lock that its client does not wait for any more', async () => {
    const lock = (lease: number, signal?: AbortSignal) =>
      fetch(`http://${pair.ours}/v3/lock/lock`, {
        method: 'POST',
        body: JSON.stringify({ name: base64('d'), lease }),
        signal,
      });
    for (const ID of [7, 8]) await ask(pair.ours, { path: '/v3/lease/grant', body: { ID, TTL: 600 } });
    expect((await lock(7)).status).toBe(200);
    const abort = new AbortController();
    const waiting = lock(8, abort.signal);
    const keys = async (): Promise<string> =>
      ask(pair.ours, { path: '/v3/kv/range', body: { key: base64('d/'), range_end: base64('d0'), count_only: true } });
    await eventually(async () => expect(await keys()).toContain('"count":"2"'));
    abort.abort();
    await expect(waiting).rejects.toThrow();
    await eventually(async () => expect(await keys()).toContain('"count":"1"'));
  });
});
