// What the benchmarks of pods share: their configurations, an engine to compare with, and how figures are taken and printed.
import { randomUUID } from 'node:crypto';
import http from 'node:http';

export const image = 'nestor.local/node:latest';
export const command = ['sleep', '3600'];

export async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export async function oneAfterAnother(count, work) {
  const times = [];
  for (let index = 0; index < count; index++) times.push(await timed(() => work(index)));
  return times;
}

/** `quantile` of 0.5 is the median. */
export function quantileOf(times, quantile) {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? 0;
}

export function report(what, times, more = '') {
  const at = (quantile) => quantileOf(times, quantile).toFixed(0).padStart(5);
  process.stdout.write(`${what.padEnd(48)} p50 ${at(0.5)} ms  p99 ${at(0.99)} ms${more}\n`);
}

/** One call of the Engine API, as plain as it gets. */
export function engine(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const request = http.request({ socketPath: '/var/run/docker.sock', method, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      response.on('end', () =>
        response.statusCode < 300 ? resolve(text && JSON.parse(text)) : reject(new Error(text)),
      );
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Containers that the engine makes without us. */
export class RawContainers {
  ids = [];

  /** Creates and starts one. */
  async start(HostConfig = {}) {
    const { Id } = await engine('POST', '/containers/create', { Image: image, Cmd: command, HostConfig });
    this.ids.push(Id);
    await engine('POST', `/containers/${Id}/start`);
    return Id;
  }

  /** A pause process and a container that shares its network. */
  async startPod() {
    const pause = await this.start();
    await this.start({ NetworkMode: `container:${pause}` });
  }

  async remove() {
    await Promise.all(this.ids.splice(0).map((id) => engine('DELETE', `/containers/${id}?force=true`)));
  }
}

const security = {
  privileged: false,
  supplementalGroups: [],
  capabilitiesAdd: [],
  capabilitiesDrop: [],
  readOnlyRootFilesystem: false,
  noNewPrivileges: false,
  unmaskedProc: false,
};
const parts = { env: [], mounts: [], devices: [], labels: {}, annotations: {}, resources: {} };

export const container = {
  name: 'main',
  attempt: 0,
  image,
  command,
  ...parts,
  security,
  stdin: false,
  stdinOnce: false,
  tty: false,
};

export function sandbox(ip) {
  const uid = randomUUID();
  const shared = { hostNetwork: false, hostPid: false, hostIpc: false, shareProcessNamespace: false };
  const pod = { namespace: 'default', name: 'bench', uid, attempt: 0 };
  return { pod, hostname: 'bench', labels: {}, annotations: {}, ip, ...shared, portMappings: [], sysctls: {} };
}

/** Creates and starts a pod's container in its sandbox. */
export async function runContainer(runtime, sandboxId, config) {
  await runtime.startContainer(await runtime.createContainer(sandboxId, config, container));
}

export async function runPod(runtime, ip) {
  const config = sandbox(ip);
  const { id } = await runtime.runSandbox(config);
  await runContainer(runtime, id, config);
}
