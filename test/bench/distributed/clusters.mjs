// The two clusters that are compared: all components in one process, and every component a process of its own on NATS, with mutual TLS as in
// production. Both keep their store on disk, and simulate pods.
import { execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../../..');
const START_MS = 120_000;
export const NODES = 4;

/** `controllers` of which one would lead; the bench has one of each. */
const elected = [
  'scheduler',
  'deployment-controller',
  'replicaset-controller',
  'resource-controller',
  'node-controller',
  'service-controller',
];

/** Sends a message to a child and waits for its answer. */
export async function ask(child, message) {
  child.send(message);
  const [answer] = await once(child, 'message');
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}

class Processes {
  directory = mkdtempSync(join(tmpdir(), 'nestor-bench-'));
  children = new Map();

  async stop() {
    for (const child of [...this.children.values()].reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const limit = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await exited;
      clearTimeout(limit);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Megabytes by process. */
  memory() {
    const resident = ({ pid }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
    return new Map(
      [...this.children].filter(([name]) => name !== 'informers').map(([name, child]) => [name, resident(child)]),
    );
  }
}

export async function startOneProcess() {
  const cluster = new Processes();
  try {
    const env = { ...process.env, BENCH: JSON.stringify({ directory: join(cluster.directory, 'data'), nodes: NODES }) };
    const child = fork(join(here, 'one-process.mjs'), { env });
    cluster.children.set('nestor', child);
    const [{ server, kubeconfig }] = await once(child, 'message');
    return Object.assign(cluster, { server, kubeconfig, informers: async () => child });
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

export async function startProcesses() {
  const cluster = new Processes();
  try {
    return await startOn(cluster, await freePorts(6 + elected.length + NODES));
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function startOn(cluster, [nats, store, gateway, ...healthPorts]) {
  const { directory, children } = cluster;
  const server = `https://127.0.0.1:${gateway}`;
  const nodes = Array.from({ length: NODES }, (_, i) => `node-${i}`);
  const pki = join(directory, 'pki');
  const init = ['pki', 'init', '--directory', pki, '--gateway-host', '127.0.0.1', '--node', nodes.join(',')];
  execFileSync(join(root, 'bin/nestor'), [...init, '--server', server, '--nats-port', String(nats)], { stdio: 'pipe' });
  const file = (folder, name) => join(pki, folder, name);
  const tls = (folder, base = 'tls') => ({
    TLS_CA_FILE: file(folder, 'ca.crt'),
    TLS_CERT_FILE: file(folder, `${base}.crt`),
    TLS_KEY_FILE: file(folder, `${base}.key`),
  });
  const serving = (folder) => ({
    SERVING_CERT_FILE: file(folder, 'tls.crt'),
    SERVING_KEY_FILE: file(folder, 'tls.key'),
    CLIENT_CA_FILE: file(folder, 'ca.crt'),
  });
  const ready = [];
  const run = (name, command, env) => {
    const log = openSync(join(directory, `${name}.log`), 'a');
    children.set(
      name,
      spawn(command[0], command.slice(1), { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', log, log] }),
    );
  };
  const app = (name, env, path = name) => {
    const health = `127.0.0.1:${healthPorts.pop()}`;
    run(name, [process.execPath, join(root, `dist/apps/${path}/main.js`)], { HEALTH_ADDRESS: health, ...env });
    ready.push([name, `http://${health}/readyz`]);
  };
  run('nats', ['nats-server', '-c', file('nats', 'nats.conf')], {});
  app('store', { STORE_DATA_DIR: join(directory, 'store'), LISTEN_ADDRESS: `127.0.0.1:${store}`, ...serving('store') });
  app('gateway', {
    ...tls('gateway', 'client'),
    ...serving('gateway'),
    NATS_URL: `tls://127.0.0.1:${nats}`,
    NATS_ACCOUNT_SEED_FILE: file('gateway', 'bus-account.seed'),
    STORE_ENDPOINTS: `https://127.0.0.1:${store}`,
    LISTEN_ADDRESS: `127.0.0.1:${gateway}`,
    ADVERTISE_ADDRESS: '127.0.0.1',
    SERVICE_ACCOUNT_KEY_FILE: file('gateway', 'service-account.key'),
    KUBELET_CLIENT_CERT_FILE: file('gateway', 'kubelet-client.crt'),
    KUBELET_CLIENT_KEY_FILE: file('gateway', 'kubelet-client.key'),
  });
  for (const name of elected) {
    const signing = name === 'node-controller' ? { SIGNING_KEY_FILE: file(name, 'ca.key') } : {};
    app(name, { API_SERVERS: server, ...tls(name), ...signing });
  }
  app('dns', { API_SERVERS: server, ...tls('dns'), LISTEN_ADDRESS: '127.0.0.1:0' });
  for (const node of nodes) {
    const dataDir = join(directory, `data-${node}`);
    mkdirSync(dataDir);
    const env = {
      NODE_NAME: node,
      NODE_IP: '127.0.0.1',
      RUNTIME: 'fake',
      DATA_DIR: dataDir,
      LISTEN_ADDRESS: '127.0.0.1:0',
    };
    app(`node-agent ${node}`, { API_SERVERS: server, ...tls(`node-${node}`), ...env }, 'node-agent');
  }
  for (const [name, url] of ready) await untilReady(name, url, children.get(name));
  const informers = async () => {
    const certificate = {
      ca: file('scheduler', 'ca.crt'),
      cert: file('scheduler', 'tls.crt'),
      key: file('scheduler', 'tls.key'),
    };
    const env = { ...process.env, BENCH_INFORMERS: JSON.stringify({ servers: [server], tls: certificate }) };
    const child = fork(join(here, 'informers.mjs'), { env });
    children.set('informers', child);
    return child;
  };
  return Object.assign(cluster, { server, kubeconfig: readFileSync(file('admin', 'kubeconfig'), 'utf8'), informers });
}

async function untilReady(name, url, child) {
  for (const start = performance.now(); performance.now() - start < START_MS; await sleep(20)) {
    if (child.exitCode !== null) throw new Error(`${name} has ended`);
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // It does not listen yet.
    }
  }
  throw new Error(`${name} is not ready`);
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
