import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { systemClock } from '#machinery';
import { createMemoryStore } from '#store';
import { Registry, silentLogger } from '#telemetry';
import { createStoreServer } from '../../apps/store';
import { eventually } from '../tools/eventually';
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

export function startEtcdctl(endpoint: string, args: readonly string[]): Running {
  const child = spawn('etcdctl', [`--endpoints=${endpoint}`, ...args], { env: environment });
  // Not `exit`, after which there may still be something to read.
  const closed = once(child, 'close');
  let output = '';
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
      .replace(/"(ClusterID|MemberID|RaftTerm)" : \d+/g, '"$1" : <number>')
      .replace(/client-[0-9a-f-]{36}/g, 'client-<id>')
      .replace(/took = [^\s]+/g, 'took = <time>')
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

/** Our server and a real etcd, both empty. */
export async function startPair(options: { quotaBytes?: number } = {}): Promise<Pair> {
  const { quotaBytes } = options;
  const quota = quotaBytes === undefined ? [] : [`--quota-backend-bytes=${quotaBytes}`];
  const etcd = await startEtcd(['--metrics=extensive', ...quota]);
  const metrics = new Registry();
  const store = createMemoryStore({ clock: systemClock, quotaBytes, metrics });
  const server = await createStoreServer(
    { host: '127.0.0.1', port: 0 },
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
    },
  };
}

/** Runs the same on both, each on its own. */
export async function expectSame<T>({ ours, theirs }: Pair, run: (endpoint: string) => Promise<T>): Promise<void> {
  const [mine, other] = await Promise.all([run(ours), run(theirs)]);
  expect(mine).toEqual(other);
}
