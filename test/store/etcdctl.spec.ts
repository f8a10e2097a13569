import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { systemClock } from '#machinery';
import { createMemoryStore } from '#store';
import { Registry, silentLogger } from '#telemetry';
import { createStoreServer } from '../../apps/store';
import { eventually } from '../tools/eventually';
import { describeWith } from '../tools/requirements';
import { startEtcd } from './etcd-server';

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_MS = 20_000;

function etcdctl(endpoint: string, args: readonly string[], input = ''): Promise<Outcome> {
  return new Promise((resolve) => {
    const env = { ...process.env, ETCDCTL_API: '3' };
    const child = execFile(
      'etcdctl',
      [`--endpoints=${endpoint}`, ...args],
      { env, timeout: TIMEOUT_MS },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

/** What depends on the server, and not on what it does: its ids, versions, sizes, terms, indexes, addresses and the time. */
function normalise(text: string, endpoint: string): string {
  return text
    .replaceAll(endpoint, '<endpoint>')
    .replace(/"(ClusterID|MemberID|RaftTerm)" : \d+/g, '"$1" : <number>')
    .replace(/client-[0-9a-f-]{36}/g, 'client-<id>')
    .replace(/took = [^\s]+/g, 'took = <time>')
    .replace(
      /"(cluster_id|member_id|raft_term|raftIndex|raftTerm|raftAppliedIndex|leader|dbSize|dbSizeInUse|ID|id|lease)":(?!0\b)\d+/g,
      '"$1":<number>',
    )
    .replace(/"version":"[\d.]+"/g, '"version":"<version>"')
    .replace(/"(?:ts|timestamp)":"[^"]*"/g, '"ts":"<time>"')
    .replace(/\b[0-9a-f]{15,16}\b/g, '<id>')
    .replace(/remaining\(\d+s\)/g, 'remaining(<time>)')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, '<time>')
    .replace(/"peerURLs":\[[^\]]*\],?/g, '');
}

/** One after the other on an empty store. A function is told what went before, for ids. */
const commands: readonly { readonly args: readonly string[]; readonly input?: string }[] = [
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

async function transcript(endpoint: string): Promise<string[]> {
  const lines: string[] = [];
  for (const { args, input } of commands) {
    const { code, stdout, stderr } = await etcdctl(endpoint, args, input);
    lines.push(normalise(`$ ${args.join(' ')}\n${stdout}${stderr}exit ${code}`, endpoint));
  }
  return lines;
}

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
  const args = ['watch', 'w/', '--prefix', '--prev-kv', `--rev=${header.revision}`];
  const child = spawn('etcdctl', [`--endpoints=${endpoint}`, ...args], { env: { ...process.env, ETCDCTL_API: '3' } });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  try {
    await eventually(() => expect(output).toContain('before'));
    await etcdctl(endpoint, ['put', 'w/1', 'after']);
    await etcdctl(endpoint, ['txn'], '\nput w/2 two\nput w/3 three\n\n\n');
    await etcdctl(endpoint, ['del', 'w/', '--prefix']);
    await eventually(() => expect(output.match(/DELETE/g)).toHaveLength(3));
  } finally {
    child.kill();
    await once(child, 'exit');
  }
  return output;
}

describeWith(['etcd'], 'etcdctl', () => {
  it('sees no difference between our server and etcd', async () => {
    const etcd = await startEtcd();
    const store = createMemoryStore({ clock: systemClock });
    const server = await createStoreServer(
      { host: '127.0.0.1', port: 0 },
      { store, clock: systemClock, logger: silentLogger(), metrics: new Registry() },
    );
    try {
      // Without http://, which etcdctl 3.4 would put into the :authority of `endpoint status`, where nghttp2 refuses it.
      for (const run of [transcript, leaseTranscript, watchTranscript]) {
        const [ours, theirs] = [await run(server.address), await run(etcd.endpoint.replace('http://', ''))];
        expect(ours).toEqual(theirs);
      }
    } finally {
      await server.stop();
      await store.close();
      await etcd.stop();
    }
  }, 120_000);
});
