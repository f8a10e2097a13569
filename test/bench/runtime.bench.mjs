// How long a pod takes on Docker through the runtime library, beside the engine alone: the same two containers through its API.
//
//   node test/bench/runtime.bench.mjs [pods]
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { connectToDocker, createDockerRuntime, createFakeRuntime } = require('../../dist/libs/runtime/index.js');
const { systemClock } = require('../../dist/libs/machinery/index.js');
const { silentLogger } = require('../../dist/libs/telemetry/index.js');

const pods = Number(process.argv[2] ?? 20);
const cluster = `bench-${process.pid}`;
const image = 'nestor.local/node:latest';
const command = ['sleep', '3600'];

function report(what, times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (quantile) => (sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? 0).toFixed(0);
  process.stdout.write(`${what.padEnd(48)} p50 ${at(0.5).padStart(5)} ms  p99 ${at(0.99).padStart(5)} ms\n`);
}

/** One call of the Engine API, as plain as it gets. */
function engine(method, path, body) {
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

/** Creates and starts one container. */
async function startRaw(HostConfig) {
  const { Id } = await engine('POST', '/containers/create', { Image: image, Cmd: command, HostConfig });
  raw.push(Id);
  await engine('POST', `/containers/${Id}/start`);
  return Id;
}

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function oneAfterAnother(count, work) {
  const times = [];
  for (let index = 0; index < count; index++) times.push(await timed(() => work(index)));
  return times;
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
const container = {
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

function sandbox(ip) {
  const uid = randomUUID();
  const shared = { hostNetwork: false, hostPid: false, hostIpc: false, shareProcessNamespace: false };
  const pod = { namespace: 'default', name: 'bench', uid, attempt: 0 };
  return { pod, hostname: 'bench', labels: {}, annotations: {}, ip, ...shared, portMappings: [], sysctls: {} };
}

async function runPod(runtime, ip) {
  const config = sandbox(ip);
  const { id } = await runtime.runSandbox(config);
  await runtime.startContainer(await runtime.createContainer(id, config, container));
}

const connection = connectToDocker();
const network = { clusterCidr: '10.197.0.0/16', gateway: '10.197.0.1' };
const common = { cluster, node: 'n1', clock: systemClock, random: Math.random, logger: silentLogger() };
const runtime = createDockerRuntime({ ...network, ...common });
const raw = [];
try {
  const made = await timed(() => connection.ensureLocalImages());
  const checked = await timed(() => connection.ensureLocalImages());
  process.stdout.write(`local images: ${made.toFixed(0)} ms, checked again in ${checked.toFixed(0)} ms\n`);
  await runtime.ensureNetwork();
  await runPod(runtime, '10.197.1.1');

  report(
    `engine alone, pause and container, ${pods} times`,
    await oneAfterAnother(pods, async () => {
      const pause = await startRaw({});
      await startRaw({ NetworkMode: `container:${pause}` });
    }),
  );
  report(
    `runtime library, one after another`,
    await oneAfterAnother(pods, (index) => runPod(runtime, `10.197.2.${index + 1}`)),
  );
  const together = await timed(() =>
    Promise.all(Array.from({ length: pods }, (_, index) => runPod(runtime, `10.197.3.${index + 1}`))),
  );
  process.stdout.write(`runtime library, ${pods} at once: ${(together / pods).toFixed(0)} ms a pod\n`);
  report('listing all containers', await oneAfterAnother(20, () => runtime.listContainers()));
  report('statistics of all containers', await oneAfterAnother(20, () => runtime.stats()));

  const fake = createFakeRuntime({ clock: systemClock, random: Math.random });
  const simulated = await timed(async () => {
    for (let index = 0; index < 1000; index++) await runPod(fake);
  });
  process.stdout.write(`1,000 simulated pods: ${simulated.toFixed(1)} ms (goal 50 ms)\n`);
} finally {
  await Promise.all(raw.map((id) => engine('DELETE', `/containers/${id}?force=true`)));
  await runtime.close();
  await connection.purgeCluster(cluster);
  connection.close();
}
