import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { systemClock } from '#machinery';
import { type ClusterOptions, createMemoryStore, createPeerTransport, openStore } from '#store';
import { Registry, silentLogger } from '#telemetry';
import { createStoreServer } from '../../apps/store';
import { eventually } from '../tools/eventually';
import { freePort } from '../tools/free-ports';
import { startEtcd } from './etcd-server';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_MS = 30_000;
/** Longer than etcdctl's own 5 s and 2 s: passwords are slow to hash, and machines that test are busy. */
const environment = { ...process.env, ETCDCTL_API: '3', ETCDCTL_COMMAND_TIMEOUT: '25s', ETCDCTL_DIAL_TIMEOUT: '10s' };

/** Runs etcdctl to its end. */
export function etcdctl(endpoint: string, args: readonly string[], input = '', timeout = TIMEOUT_MS): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      'etcdctl',
      [`--endpoints=${endpoint}`, ...args],
      { env: environment, timeout, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
    // A command that is refused before it reads closes its end.
    child.stdin?.on('error', () => undefined).end(input);
  });
}

/** etcdctl that goes on until it is told to end. */
export interface Running {
  /** Everything printed so far. */
  output(): string;
  /** As Ctrl-C does. Resolves when it is gone. */
  interrupt(): Promise<void>;
}

export function startEtcdctl(endpoint: string, args: readonly string[], input = ''): Running {
  const child = spawn('etcdctl', [`--endpoints=${endpoint}`, ...args], { env: environment });
  // Not `exit`, after which there may still be something to read.
  const closed = once(child, 'close');
  let output = '';
  if (input !== '') child.stdin.write(input);
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    output: () => output,
    async interrupt() {
      child.kill('SIGINT');
      await closed;
    },
  };
}

/** As `eventually`, for what etcdctl comes to: each of its processes may take seconds to begin on a machine that is busy. */
export function inTime<T>(assertion: () => Promise<T> | T): Promise<T> {
  return eventually(assertion, 60_000);
}

/** What depends on the server, and not on what it does: its ids, versions, sizes, terms, indexes, addresses, hashes and the time. */
export function normalise(text: string, endpoint: string): string {
  return (
    text
      .replaceAll(endpoint, '<endpoint>')
      // What an interrupt cut short: it depends on the moment whether there was anything.
      .replace(/^\{"level":"warn".*code = Canceled.*\}\n/gm, '')
      .replace(/"(ClusterID|MemberID|RaftTerm|ID|Lease)" : (?!0\b)\d+/g, '"$1" : <number>')
      .replace(/client-[0-9a-f-]{36}/g, 'client-<id>')
      .replace(/took = [^\s]+/g, 'took = <time>')
      .replace(/("[Tt]ook"\s?:\s?)"?[\d.]+[mµ]?s"?/g, '$1<time>')
      .replace(
        /"(cluster_id|member_id|raft_term|raftIndex|raftTerm|raftAppliedIndex|leader|dbSize|dbSizeInUse|ID|id|lease|hash|memberID)":"?(?!0\b)\d+"?/g,
        '"$1":<number>',
      )
      .replace(/,"compact_revision":-1/g, '')
      .replace(/"version":"[\d.]+"/g, '"version":"<version>"')
      .replace(/"(?:ts|timestamp)":"[^"]*"/g, '"ts":"<time>"')
      .replace(/memberID:\d+/g, 'memberID:<id>')
      // Of 64 bits, by chance; zeros in front are not printed.
      .replace(/\b[0-9a-f]{10,16}\b/g, '<id>')
      .replace(/remaining\(\d+s\)/g, 'remaining(<time>)')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, '<time>')
      .replace(/"peerURLs":\[[^\]]*\],?/g, '')
  );
}

export interface Step {
  readonly args: readonly string[];
  readonly input?: string;
}

/** Runs one command after the other. @returns for each what it printed and how it ended */
export async function transcript(endpoint: string, steps: readonly Step[]): Promise<string[]> {
  const lines: string[] = [];
  for (const { args, input } of steps) {
    const { code, stdout, stderr } = await etcdctl(endpoint, args, input);
    lines.push(normalise(`$ ${args.join(' ')}\n${stdout}${stderr}exit ${code}`, endpoint));
  }
  return lines;
}

export interface Pair {
  /** `host:port` of our server. */
  readonly ours: string;
  /** `host:port` of a real etcd. */
  readonly theirs: string;
  stop(): Promise<void>;
}

/**
 * Our server and a real etcd, both empty.
 * @param options `isMember`: ours is on disk and takes others in, as a real etcd does
 */
export async function startPair(options: { quotaBytes?: number; isMember?: boolean } = {}): Promise<Pair> {
  const { quotaBytes, isMember = false } = options;
  const quota = quotaBytes === undefined ? [] : [`--quota-backend-bytes=${quotaBytes}`];
  const etcd = await startEtcd(['--metrics=extensive', ...quota]);
  const metrics = new Registry();
  const base = { clock: systemClock, quotaBytes, metrics };
  const port = isMember ? await freePort() : 0;
  const directory = isMember ? fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-member-')) : undefined;
  const store =
    directory === undefined
      ? createMemoryStore(base)
      : await openStore({ ...base, directory, cluster: await soleMember(`http://127.0.0.1:${port}`) });
  const server = await createStoreServer(
    { host: '127.0.0.1', port },
    { store, clock: systemClock, logger: silentLogger(), metrics },
  );
  return {
    ours: server.address,
    // Without http://, which etcdctl 3.4 would put into the :authority of `endpoint status`, where nghttp2 refuses it.
    theirs: etcd.endpoint.replace('http://', ''),
    async stop() {
      await server.stop();
      await store.close();
      await etcd.stop();
      if (directory !== undefined) fs.rmSync(directory, { recursive: true });
    },
  };
}

async function soleMember(clientUrl: string): Promise<ClusterOptions> {
  const port = await freePort();
  const peerUrl = `http://127.0.0.1:${port}`;
  return {
    name: 'store',
    peerUrls: [peerUrl],
    clientUrls: [clientUrl],
    initialCluster: [{ name: 'store', peerUrl }],
    token: 'pair',
    state: 'new',
    transport: await createPeerTransport({
      listen: { host: '127.0.0.1', port },
      clock: systemClock,
      random: Math.random,
      logger: silentLogger(),
    }),
  };
}

/** Runs the same on both, each on its own. */
export async function expectSame<T>({ ours, theirs }: Pair, run: (endpoint: string) => Promise<T>): Promise<void> {
  const [mine, other] = await Promise.all([run(ours), run(theirs)]);
  expect(mine).toEqual(other);
}
