// Our server against a real etcd, both on disk, with the same client in the same run: puts, ranges, and events to watchers.
// Needs dist (npm run build) and Debian's etcd-server. Our server runs as a process of its own, as etcd does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(import.meta.url);
const { connectStore } = require('../../../dist/libs/store/index.js');
const { systemClock } = require('../../../dist/libs/machinery/index.js');
const { silentLogger } = require('../../../dist/libs/telemetry/index.js');

const PUTS = Number(process.env.PUTS ?? 6_000);
const RANGES = 300;
const CONCURRENCY = 100;
const WATCHERS = 20;
const EVENTS = 1_000;
const ROUNDS = 3;
const VALUE = Buffer.alloc(1024, 'v');
const key = (n) => `/registry/pods/default/pod-${String(n % 1_000).padStart(6, '0')}`;
const all = { key: '/registry/', rangeEnd: '/registry0' };

const directory = fs.mkdtempSync(path.join(process.env.BENCH_DIR ?? os.tmpdir(), 'nestor-bench-'));
const processes = [];

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function startOurs() {
  const script = new URL('../../store/serve-store.cjs', import.meta.url).pathname;
  const config = { directory: path.join(directory, 'ours'), host: '127.0.0.1', port: 0 };
  const child = spawn(process.execPath, [script, JSON.stringify(config)], { stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  const [address] = await once(createInterface({ input: child.stdout }), 'line');
  return `http://${address}`;
}

async function startEtcd() {
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const flags = {
    'data-dir': path.join(directory, 'etcd'),
    name: 'bench',
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `bench=${peer}`,
  };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  processes.push(spawn('etcd', args, { stdio: 'ignore' }));
  return client;
}

/** `count` calls, `CONCURRENCY` at a time. @returns calls per second */
async function rate(count, call) {
  let next = 0;
  const start = performance.now();
  const worker = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return count / ((performance.now() - start) / 1000);
}

/** Events per second, over all watchers together, from the first write to the last delivery. */
async function fanOut(store, endpoint) {
  const watching = await connect(endpoint);
  let seen = 0;
  let done;
  const finished = new Promise((resolve) => (done = resolve));
  for (let n = 0; n < WATCHERS; n++) {
    const onBatch = ({ events }) => {
      seen += events.length;
      if (seen >= WATCHERS * EVENTS) done();
    };
    watching.watch(all, { onBatch, onEnd: done });
  }
  // A write through the same client waits until all watches are open.
  await watching.put({ key: 'ready', value: VALUE });
  const start = performance.now();
  await rate(EVENTS, (n) => store.put({ key: key(n), value: VALUE }));
  await finished;
  const result = (WATCHERS * EVENTS) / ((performance.now() - start) / 1000);
  await watching.close();
  return result;
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

try {
  const endpoints = { ours: await startOurs(), etcd: await startEtcd() };
  const best = {};
  const note = (what, who, value) => {
    best[what] ??= { ours: 0, etcd: 0 };
    best[what][who] = Math.max(best[what][who], value);
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [who, endpoint] of Object.entries(endpoints)) {
      const store = await connect(endpoint);
      note('put', who, await rate(PUTS, (n) => store.put({ key: key(n), value: VALUE })));
      note('get', who, await rate(PUTS, (n) => store.range({ key: key(n) })));
      note('range of 500', who, await rate(RANGES, () => store.range({ ...all, limit: 500 })));
      note(`events to ${WATCHERS} watchers`, who, await fanOut(store, endpoint));
      await store.close();
    }
  }
  for (const [what, { ours, etcd }] of Object.entries(best)) {
    const figures = `${Math.round(ours)}/s, etcd ${Math.round(etcd)}/s`;
    process.stdout.write(`${what.padEnd(24)} ${figures.padEnd(28)} ratio ${(ours / etcd).toFixed(2)}\n`);
  }
} finally {
  for (const child of processes) child.kill('SIGKILL');
  fs.rmSync(directory, { recursive: true, force: true });
}
