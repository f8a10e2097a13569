// Our store and Debian's etcd, each as processes of its own, on the same disk, beginning empty.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const require = createRequire(import.meta.url);
const { connectStore } = require('../../../dist/libs/store/index.js');
const { systemClock } = require('../../../dist/libs/machinery/index.js');
const { silentLogger } = require('../../../dist/libs/telemetry/index.js');
const program = new URL('../../../dist/apps/store/main.js', import.meta.url).pathname;

/** One process that serves. */
class Server {
  constructor(command, args, env, port) {
    this.options = [command, args, env, port];
    this.port = port;
    this.startedAt = performance.now();
    const output = process.env.BENCH_LOGS === undefined ? 'ignore' : 'inherit';
    this.child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', output, output] });
  }

  get endpoint() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Milliseconds of CPU time of all threads since the start; the kernel counts in tens. */
  cpuMs() {
    const fields = fs.readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  residentMiB() {
    return this.memoryMiB('VmRSS');
  }

  /** Since the start. */
  mostResidentMiB() {
    return this.memoryMiB('VmHWM');
  }

  memoryMiB(name) {
    const status = fs.readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) / 1024;
  }

  /** The same once more. */
  again() {
    return new Server(...this.options);
  }

  async stop(signal = 'SIGKILL') {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
  }
}

/** The members of one store. `leader` is the one that is measured. */
class Store {
  constructor(name, servers) {
    this.name = name;
    this.servers = servers;
  }

  connect(endpoint = this.leader.endpoint) {
    return connect(endpoint);
  }

  async ready() {
    for (;;) {
      for (const server of this.servers) {
        const answer = await status(server.endpoint);
        if (answer !== undefined && answer.leader !== '0' && answer.leader === answer.header.member_id) {
          this.leader = server;
          return this;
        }
        if (server.child.exitCode !== null) throw new Error(`${this.name} ended; BENCH_LOGS=1 shows what it says`);
      }
      await sleep(5);
    }
  }

  /** Stops a member in order, and starts it again. @returns it, when the store has a leader */
  async restart(which) {
    await this.servers[which].stop('SIGTERM');
    this.servers[which] = this.servers[which].again();
    await this.ready();
    return this.servers[which];
  }

  async stop(signal) {
    await Promise.all(this.servers.map((server) => server.stop(signal)));
  }
}

async function status(endpoint) {
  try {
    const response = await fetch(`${endpoint}/v3/maintenance/status`, { method: 'POST', body: '{}' });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

function connect(endpoint) {
  return connectStore({
    endpoints: [endpoint],
    clock: systemClock,
    random: Math.random,
    logger: silentLogger(),
    requestTimeoutMs: 60_000,
  });
}

async function freePorts(count) {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** As `nestor store trio` starts them; one member has nobody to talk to. @param nodeArgs as `--cpu-prof` */
export async function startOurs(directory, members = 1, nodeArgs = []) {
  const ports = await freePorts(2 * members);
  const peers = ports.slice(members).map((port, n) => `m${n}=http://127.0.0.1:${port}`);
  const servers = ports.slice(0, members).map((port, n) => {
    const env = {
      LOG_LEVEL: 'warn',
      STORE_NAME: `m${n}`,
      STORE_DATA_DIR: path.join(directory, `ours-${n}`),
      LISTEN_ADDRESS: `127.0.0.1:${port}`,
      ...(members > 1 && {
        STORE_PEER_LISTEN_ADDRESS: `127.0.0.1:${ports[members + n]}`,
        STORE_INITIAL_CLUSTER: peers.join(','),
      }),
    };
    return new Server(process.execPath, [...nodeArgs, program], env, port);
  });
  return new Store('ours', servers).ready();
}

export async function startEtcd(directory, members = 1) {
  const ports = await freePorts(2 * members);
  const peers = ports.slice(members).map((port) => `http://127.0.0.1:${port}`);
  const servers = ports.slice(0, members).map((port, n) => {
    const client = `http://127.0.0.1:${port}`;
    const flags = {
      'data-dir': path.join(directory, `etcd-${n}`),
      name: `m${n}`,
      'log-level': 'error',
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peers[n],
      'initial-advertise-peer-urls': peers[n],
      'initial-cluster': peers.map((url, m) => `m${m}=${url}`).join(','),
    };
    return new Server(
      'etcd',
      Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
      {},
      port,
    );
  });
  return new Store('etcd', servers).ready();
}

/** Runs `work` with a directory on the disk to be measured (`BENCH_DIR`, or the system's temporary one), and removes it. */
export async function inDirectory(work) {
  const directory = fs.mkdtempSync(path.join(process.env.BENCH_DIR ?? os.tmpdir(), 'nestor-bench-'));
  try {
    return await work(directory);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs `work` with both stores, and stops them whatever happens. */
export function withBoth(members, work) {
  return inDirectory(async (directory) => {
    const stores = [];
    try {
      stores.push(await startOurs(directory, members));
      stores.push(await startEtcd(directory, members));
      return await work(stores);
    } finally {
      await Promise.all(stores.map((store) => store.stop()));
    }
  });
}

export const keyOf = (n) => `/registry/pods/default/pod-${String(n).padStart(7, '0')}`;

/** Writes `count` keys, 100 a transaction. */
export async function fill(store, count, value, from = 0) {
  const client = await store.connect();
  const size = 100;
  const batches = Array.from({ length: Math.ceil(count / size) }, (_, batch) => from + batch * size);
  const worker = async () => {
    for (let start = batches.shift(); start !== undefined; start = batches.shift()) {
      const keys = Array.from({ length: Math.min(size, from + count - start) }, (_, n) => keyOf(start + n));
      const request = { compare: [], success: keys.map((key) => ({ type: 'put', request: { key, value } })) };
      // On a machine that others use too members lose their leader now and then.
      const tries = (left) =>
        client.txn(request).catch((error) => (left > 0 ? tries(left - 1) : Promise.reject(error)));
      await tries(5);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  await client.close();
}
