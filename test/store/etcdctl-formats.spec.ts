import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { etcdserverpb } from '#etcd';
import { describeWith } from '../tools/requirements';
import {
  etcdctl,
  expectSame,
  inTime,
  normalise,
  type Pair,
  startEtcdctl,
  startPair,
  type Step,
  transcript,
} from './etcdctl';

const run = promisify(execFile);
const step = (line: string, input?: string): Step => ({ args: line.split(' '), input });
const inAll = (line: string): Step[] =>
  ['fields', 'json', 'simple', 'table'].map((format) => step(`${line} -w ${format}`));

/**
 * One after the other on an empty store: what the other transcripts do not ask for. Formats are the client's affair, but each shows fields
 * that others leave out.
 */
const steps: readonly Step[] = [
  ...['put k/a 3', 'put k/b 1', 'put k/c 2', 'put k/c 4', 'put k/d'].map((line) => step(line, 'from stdin')),
  ...inAll('get k/ --prefix'),
  ...['CREATE', 'KEY', 'VALUE', 'VERSION'].map((target) =>
    step(`get k/ --prefix --keys-only --sort-by=${target} --order=DESCEND`),
  ),
  step('get k/ --prefix --keys-only --sort-by=VALUE'),
  step('get k/b --from-key --print-value-only'),
  step('get k/b k/d --keys-only'),
  step('get k/ --prefix --limit=2 -w json'),
  step('get k/ --prefix --rev=4'),
  step('get k/a --consistency=s --hex'),
  step('put k/a --ignore-value --prev-kv -w json'),
  step('put k/a x --ignore-lease -w fields'),
  step('txn -i', 'value("k/a") = "x"\ncreate("k/b") < "99"\n\nput k/e 1\n\nget k/a\n\n'),
  step('txn -w fields', 'mod("none") > "1"\n\nput k/e 2\n\ndel k/e --prev-kv\nget k/ --prefix\nput k/f 1\n\n'),
  step('del k/b --prev-kv -w json'),
  step('del k/d --from-key --prev-kv'),
  step('del k/ --prefix -w fields'),
  step('compaction 5 --physical'),
  step('compaction 6 -w json'),
  step('lease grant 100 -w fields'),
  step('lease grant 9000000001'),
  step('lease timetolive 4d2 --keys -w json'),
  step('lease list'),
  step('endpoint health -w json'),
];

/** Both ids of a lease are the same length, so that tables are as wide. */
async function leases(endpoint: string): Promise<string[]> {
  const outcomes: string[] = [];
  const { stdout } = await etcdctl(endpoint, ['lease', 'grant', '300']);
  const id = /lease ([0-9a-f]+) granted/.exec(stdout)?.[1] ?? '';
  await etcdctl(endpoint, ['put', 'l/a', 'x', `--lease=${id}`]);
  for (const line of [
    'get l/a -w fields',
    `lease keep-alive ${id} --once -w json`,
    `put l/a y --ignore-lease --prev-kv -w json`,
  ])
    outcomes.push(...(await transcript(endpoint, [step(line)])));
  const told = await etcdctl(endpoint, ['lease', 'timetolive', id, '--keys', '-w', 'fields']);
  // Of its time nobody knows how much is left.
  outcomes.push(normalise(told.stdout + told.stderr, endpoint).replace(/\d+/g, '<number>'));
  outcomes.push(...(await transcript(endpoint, [step(`lease revoke ${id} -w json`)])));
  // Until it is told to end.
  const short = /lease ([0-9a-f]+) granted/.exec((await etcdctl(endpoint, ['lease', 'grant', '3'])).stdout)?.[1] ?? '';
  const alive = startEtcdctl(endpoint, ['lease', 'keep-alive', short]);
  await inTime(() => expect(alive.output().match(/keepalived with TTL\(3\)\n/g)?.length).toBeGreaterThan(1));
  await etcdctl(endpoint, ['lease', 'revoke', short]);
  await inTime(() => expect(alive.output()).toContain('expired or revoked'));
  await alive.interrupt();
  outcomes.push([...new Set(alive.output().split('\n'))].join('\n'));
  return outcomes.map((text) => text.replaceAll(id, '<id>').replaceAll(short, '<id>'));
}

/** The forms of `watch`: formats, a session, and a command for each event. */
async function watches(endpoint: string): Promise<string[]> {
  const heard: string[] = [];
  const { stdout } = await etcdctl(endpoint, ['put', 'w/a', '1', '-w', 'json']);
  const { revision } = (JSON.parse(stdout) as { header: { revision: number } }).header;
  const hear = async (args: readonly string[], last: string, input?: string): Promise<void> => {
    const watch = startEtcdctl(endpoint, ['watch', ...args], input);
    await inTime(() => expect(watch.output()).toContain(last));
    await watch.interrupt();
    heard.push(normalise(watch.output(), endpoint));
  };
  await etcdctl(endpoint, ['put', 'w/a', '2']);
  await etcdctl(endpoint, ['del', 'w/a']);
  await etcdctl(endpoint, ['put', 'w/b', 'last']);
  const since = `--rev=${revision}`;
  const encoded = Buffer.from('last').toString('base64');
  await hear(['w/a', 'w/c', since], 'last\n');
  await hear(['w/', '--prefix', '--prev-kv', since, '-w', 'json'], encoded);
  await hear(['w/', '--prefix', since, '-w', 'fields'], '"last"');
  const script = 'echo "$ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY=$ETCD_WATCH_VALUE"';
  await hear(['w/b', since, '--', 'sh', '-c', script], '"PUT" "w/b"="last"');
  await hear(['-i'], 'DELETE\nw/a\n2\nw/a\n', `watch w/a ${since} --prev-kv\n`);
  return heard;
}

/** What is left of bytes when whose they are is taken away. */
async function bytes(endpoint: string): Promise<unknown> {
  const printed = async (...args: string[]): Promise<Buffer> => {
    const options = { env: { ...process.env, ETCDCTL_API: '3' }, encoding: 'buffer' } as const;
    return (await run('etcdctl', [`--endpoints=${endpoint}`, ...args, '-w', 'protobuf'], options)).stdout;
  };
  const { PutResponse, RangeResponse, DeleteRangeResponse } = etcdserverpb;
  await etcdctl(endpoint, ['put', 'p', '0']);
  const answers = [
    PutResponse.decode(await printed('put', 'p', '1', '--prev-kv')),
    RangeResponse.decode(await printed('get', 'p')),
    DeleteRangeResponse.decode(await printed('del', 'p', '--prev-kv')),
  ];
  return answers.map(({ header, ...rest }) => [header?.revision, rest]);
}

describeWith(['etcd'], 'etcdctl with all of its flags and formats', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ isMember: true });
  });
  afterAll(() => pair.stop());

  it.each<[string, (endpoint: string) => Promise<unknown>]>([
    ['keys, transactions, leases', (endpoint) => transcript(endpoint, steps)],
    ['a lease', leases],
    ['watches', watches],
    ['protobuf', bytes],
  ])('sees no difference between our server and etcd: %s', (_what, scenario) => expectSame(pair, scenario));
});
