// The whole cluster as a person meets it: start, memory, a deployment, a thousand simulated pods. Each figure stands beside its goal;
// below it the CPU time that it took, in units of a fixed piece of work done in the same run, which compares between machines, busy or not.
import { createHash } from 'node:crypto';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const nestor = join(root, 'bin/nestor');

/** Prints a figure and its ratio to the goal; over 1 is worse. */
function report(what, value, goal, unit) {
  process.stdout.write(
    `${what.padEnd(52)} ${value.toFixed(value < 10 ? 2 : 0).padStart(7)} ${unit}  goal ${goal} ${unit}, ratio ${(value / goal).toFixed(2)}\n`,
  );
}

const work = JSON.stringify(
  Array.from({ length: 400 }, (_, i) => ({
    name: `pod-${i}`,
    labels: { app: 'x', index: String(i) },
    list: [1, 2, i],
  })),
);

/** CPU seconds that parsing, encoding and hashing 1 MB takes here and now: the median of some runs. */
function referenceSeconds() {
  const runs = Array.from({ length: 25 }, () => {
    const start = process.cpuUsage();
    for (let i = 0; i < 35; i++)
      createHash('sha256')
        .update(JSON.stringify(JSON.parse(work)))
        .digest();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  });
  return runs.sort((a, b) => a - b)[runs.length >> 1];
}

/** Prints CPU time as such and as a multiple of the reference; no goal, for comparisons. */
function reportCpu(seconds) {
  const reference = referenceSeconds();
  process.stdout.write(
    `${'  CPU time'.padEnd(52)} ${seconds.toFixed(2).padStart(7)} s  ${(seconds / reference).toFixed(0)} times the reference (${(reference * 1000).toFixed(1)} ms)\n`,
  );
}

class Cluster {
  home = mkdtempSync(join(tmpdir(), 'nestor-bench-'));

  constructor(args) {
    this.startedAt = performance.now();
    this.process = spawn(process.execPath, [nestor, 'up', '--data-dir', this.home, '--port', '0', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.process.stdout.on('data', (chunk) => (this.output = (this.output ?? '') + chunk));
  }

  async ready() {
    while (!this.output?.includes('Cluster     ready')) {
      if (this.process.exitCode !== null) throw new Error(`nestor ended:\n${this.output}`);
      await sleep(10);
    }
    const config = parse(readFileSync(join(this.home, 'kubeconfig'), 'utf8'));
    const decode = (text) => Buffer.from(text, 'base64');
    const { user } = config.users[0];
    this.server = config.clusters[0].cluster.server;
    this.agent = new https.Agent({
      keepAlive: true,
      ca: decode(config.clusters[0].cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    });
    return this;
  }

  call(method, path, body) {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const request = https.request(`${this.server}${path}`, { method, agent: this.agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        response.on('end', () => (response.statusCode < 300 ? resolve(JSON.parse(text)) : reject(new Error(text))));
      });
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async until(probe, limitMs = 60_000) {
    for (const start = performance.now(); performance.now() - start < limitMs; await sleep(10)) {
      try {
        if (await probe()) return;
      } catch {
        // Not there yet.
      }
    }
    throw new Error('the cluster did not get there in time');
  }

  /** CPU time of all threads since the start, in steps of 10 ms. */
  cpuSeconds() {
    const fields = readFileSync(`/proc/${this.process.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  residentMegabytes() {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024;
  }

  async purge() {
    this.agent?.destroy();
    spawnSync(process.execPath, [nestor, 'down', '--purge', '--data-dir', this.home]);
    rmSync(this.home, { recursive: true, force: true });
  }
}

function deployment(name, replicas, image) {
  const labels = { app: name };
  const containers = [{ name: 'main', image, command: ['sleep', '3600'] }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers } },
    },
  };
}

async function applyAndWait(cluster, object) {
  const path = '/apis/apps/v1/namespaces/default/deployments';
  const start = performance.now();
  await cluster.call('POST', path, object);
  await cluster.until(
    async () =>
      (await cluster.call('GET', `${path}/${object.metadata.name}`)).status.readyReplicas === object.spec.replicas,
  );
  return (performance.now() - start) / 1000;
}

async function startAndRest() {
  const cluster = new Cluster(['--runtime', 'fake']);
  try {
    await cluster.ready();
    await cluster.until(() => cluster.call('GET', '/api/v1/namespaces/default/serviceaccounts/default'));
    report('start to the default service account', (performance.now() - cluster.startedAt) / 1000, 1.5, 's');
    reportCpu(cluster.cpuSeconds());
    await sleep(5000);
    report('resident memory when idle', cluster.residentMegabytes(), 220, 'MB');
  } finally {
    await cluster.purge();
  }
}

async function thousandPods() {
  const cluster = new Cluster(['--runtime', 'fake', '--nodes', '100']);
  try {
    await cluster.ready();
    const before = cluster.cpuSeconds();
    report(
      '1,000 simulated pods on 100 nodes',
      await applyAndWait(cluster, deployment('many', 1000, 'image:1')),
      4,
      's',
    );
    reportCpu(cluster.cpuSeconds() - before);
    report('resident memory with them', cluster.residentMegabytes(), 600, 'MB');
  } finally {
    await cluster.purge();
  }
}

async function threeOnDocker() {
  if (spawnSync('docker', ['version']).status !== 0)
    return void process.stdout.write('no Docker here: the deployment of three is left out\n');
  const cluster = new Cluster(['--runtime', 'docker']);
  try {
    await cluster.ready();
    const before = cluster.cpuSeconds();
    report(
      'a deployment of three, ready on Docker',
      await applyAndWait(cluster, deployment('three', 3, 'nestor.local/node')),
      3,
      's',
    );
    reportCpu(cluster.cpuSeconds() - before);
  } finally {
    await cluster.purge();
  }
}

// The compilers' warm-up is no part of the reference.
referenceSeconds();
await startAndRest();
await thousandPods();
await threeOnDocker();
