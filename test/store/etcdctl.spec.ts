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

/** One after the other on an empty store. */
const commands: readonly Step[] = [
  { args: ['put', 'a', '1'] },
  { args: ['put', 'a', '2', '--prev-kv'] },
  { args: ['get', 'a', '-w', 'json'] },
  { args: ['get', 'a', '--rev=2', '-w', 'fields'] },
  { args: ['put', 'b', '--', '-dash'] },
  { args: ['get', '', '--prefix', '--keys-only'] },
  { args: ['get', 'a', 'z', '--limit=1', '-w', 'json'] },
  { args: ['get', 'a', 'z', '--order=DESCEND', '--sort-by=MODIFY'] },
  { args: ['get', 'a', '--rev=99'] },
  { args: ['put', '', 'x'] },
  { args: ['put', 'none', '--ignore-value'] },
  { args: ['put', 'a', 'x', '--lease=1234'] },
  { args: ['txn', '-w', 'json'], input: 'value("a") = "2"\nmod("b") > "1"\n\nput a 3\nget a\ndel b\n\nget b\n\n' },
  { args: ['txn'], input: 'version("b") > "0"\n\nput a 4\n\nget a\nget b\n\n' },
  { args: ['txn'], input: '\nput a 5\nput a 6\n\n\n' },
  { args: ['del', 'a', '--prev-kv'] },
  { args: ['del', 'a'] },
  { args: ['put', 'c', '1'] },
  { args: ['compaction', '4'] },
  { args: ['compaction', '4'] },
  { args: ['compaction', '999'] },
  { args: ['get', 'a', '--rev=2'] },
  { args: ['lease', 'grant', '100', '-w', 'json'] },
  { args: ['lease', 'list', '-w', 'json'] },
  { args: ['lease', 'revoke', '4d2'] },
  { args: ['lease', 'timetolive', '4d2'] },
  { args: ['lease', 'keep-alive', '--once', '4d2'] },
  { args: ['endpoint', 'health'] },
  { args: ['endpoint', 'status', '-w', 'json'] },
  { args: ['member', 'list', '-w', 'json'] },
];

/** A lease with a key, from its grant to its end, by the id that the server chose. */
async function leaseTranscript(endpoint: string): Promise<string[]> {
  const granted = await etcdctl(endpoint, ['lease', 'grant', '300']);
  const id = /lease ([0-9a-f]+) granted/.exec(granted.stdout)?.[1] ?? '';
  const outcomes = [granted];
  for (const args of [
    ['put', 'leased', 'x', `--lease=${id}`],
    ['get', 'leased', '-w', 'json'],
    ['lease', 'timetolive', id, '--keys'],
    ['lease', 'keep-alive', '--once', id],
    ['lease', 'revoke', id],
    ['get', 'leased'],
  ]) {
    outcomes.push(await etcdctl(endpoint, args));
  }
  return outcomes.map(({ code, stdout, stderr }) =>
    normalise(`${stdout}${stderr}exit ${code}`.replaceAll(id, '<id>'), endpoint),
  );
}

/** @returns what `etcdctl watch` prints of a few changes, from the past and as they happen */
async function watchTranscript(endpoint: string): Promise<string> {
  const { stdout } = await etcdctl(endpoint, ['put', 'w/1', 'before', '-w', 'json']);
  const { header } = JSON.parse(stdout) as { header: { revision: number } };
  const watch = startEtcdctl(endpoint, ['watch', 'w/', '--prefix', '--prev-kv', `--rev=${header.revision}`]);
  try {
    await inTime(() => expect(watch.output()).toContain('before'));
    await etcdctl(endpoint, ['put', 'w/1', 'after']);
    await etcdctl(endpoint, ['txn'], '\nput w/2 two\nput w/3 three\n\n\n');
    await etcdctl(endpoint, ['del', 'w/', '--prefix']);
    // An event takes several lines, and an interrupt may come between them: what is waited for is the end of what follows.
    await etcdctl(endpoint, ['put', 'w/last', 'seen']);
    await inTime(() => expect(watch.output()).toContain('w/last\nseen\n'));
  } finally {
    await watch.interrupt();
  }
  return watch.output();
}

describeWith(['etcd'], 'etcdctl', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair();
  });
  afterAll(() => pair.stop());

  it.each([
    ['of keys, transactions, history and leases', (endpoint: string) => transcript(endpoint, commands)],
    ['of a lease with a key', leaseTranscript],
    ['of a watch', watchTranscript],
  ])(
    'sees no difference between our server and etcd: %s',
    async (_what, run) => {
      await expectSame<unknown>(pair, run);
    },
    240_000,
  );
});
