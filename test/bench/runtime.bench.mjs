// How long a pod takes on Docker through the runtime library, beside the engine alone: the same two containers through its API.
//
//   node test/bench/runtime.bench.mjs [pods]
import { createRequire } from 'node:module';
import { oneAfterAnother, RawContainers, report, runPod, timed } from './pods.mjs';

const require = createRequire(import.meta.url);
const { connectToDocker, createDockerRuntime, createFakeRuntime } = require('../../dist/libs/runtime/index.js');
const { systemClock } = require('../../dist/libs/machinery/index.js');
const { silentLogger } = require('../../dist/libs/telemetry/index.js');

const pods = Number(process.argv[2] ?? 20);
const cluster = `bench-${process.pid}`;

const connection = connectToDocker();
const network = { clusterCidr: '10.197.0.0/16', gateway: '10.197.0.1' };
const common = { cluster, node: 'n1', clock: systemClock, random: Math.random, logger: silentLogger() };
const runtime = createDockerRuntime({ ...network, ...common });
const raw = new RawContainers();
try {
  const made = await timed(() => connection.ensureLocalImages());
  const checked = await timed(() => connection.ensureLocalImages());
  process.stdout.write(`local images: ${made.toFixed(0)} ms, checked again in ${checked.toFixed(0)} ms\n`);
  await runtime.ensureNetwork();
  await runPod(runtime, '10.197.1.1');

  report(`engine alone, pause and container, ${pods} times`, await oneAfterAnother(pods, () => raw.startPod()));
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
  await raw.remove();
  await runtime.close();
  await connection.purgeCluster(cluster);
  connection.close();
}
