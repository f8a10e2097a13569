// A cluster as a person starts it, for the benchmarks that need a whole one.
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

export class Cluster {
  home = mkdtempSync(join(tmpdir(), 'nestor-bench-'));

  /** @param env beside this process's own */
  constructor(args, env = {}) {
    this.startedAt = performance.now();
    this.process = spawn(process.execPath, [nestor, 'up', '--data-dir', this.home, '--port', '0', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    this.env = env;
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
    spawnSync(process.execPath, [nestor, 'down', '--purge', '--data-dir', this.home], {
      env: { ...process.env, ...this.env },
    });
    rmSync(this.home, { recursive: true, force: true });
  }
}

export function deployment(name, replicas, image) {
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

/** @returns seconds until all replicas are ready */
export async function applyAndWait(cluster, object) {
  const path = '/apis/apps/v1/namespaces/default/deployments';
  const start = performance.now();
  await cluster.call('POST', path, object);
  await cluster.until(
    async () =>
      (await cluster.call('GET', `${path}/${object.metadata.name}`)).status.readyReplicas === object.spec.replicas,
  );
  return (performance.now() - start) / 1000;
}
