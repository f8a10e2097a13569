// What it costs that every component is a process of its own on NATS, with mutual TLS, beside the same components in one process: both are
// measured in this run, one after the other, with their stores on disk and 4 simulated nodes. And how long docker-compose.yml takes to start.
import { spawnSync } from 'node:child_process';
import { Api } from './distributed/api.mjs';
import { startOneProcess, startProcesses } from './distributed/clusters.mjs';
import { composeStart } from './distributed/compose.mjs';
import { eventsPerSecond, podsPerSecond, reaction } from './distributed/measures.mjs';

/** Beyond this something is wrong with it. */
const GOAL = 3;

async function measure(start) {
  const begin = performance.now();
  const cluster = await start();
  const api = new Api(cluster.server, cluster.kubeconfig);
  try {
    await api.until(() => api.call('GET', '/api/v1/namespaces/default/serviceaccounts/default'));
    const started = (performance.now() - begin) / 1000;
    const idle = cluster.memory();
    const pods = await podsPerSecond(api);
    const { p50, p99 } = await reaction(api);
    const events = await eventsPerSecond(api, cluster);
    return { started, pods, p50, p99, events, idle, memory: cluster.memory() };
  } finally {
    api.close();
    await cluster.stop();
  }
}

/** @param ratio over 1: the processes are worse @param goal of what processes can be blamed for, not for their number */
function report(what, unit, one, many, ratio, goal) {
  const figures = [one, many].map((value) => value.toFixed(value < 10 ? 2 : 0).padStart(8)).join(' ');
  process.stdout.write(
    `${what.padEnd(46)} ${figures} ${unit.padEnd(4)} ratio ${ratio.toFixed(2)}${goal === undefined ? '' : ` (goal ${goal})`}\n`,
  );
}

const sum = (memory) => [...memory.values()].reduce((total, value) => total + value, 0);

if (spawnSync('nats-server', ['--version']).status !== 0) {
  process.stdout.write('SKIPPED: no nats-server here\n');
} else {
  const one = await measure(startOneProcess);
  const many = await measure(startProcesses);
  process.stdout.write(`${''.padEnd(46)}  one pr.  many pr.\n`);
  report('start to the default service account', 's', one.started, many.started, many.started / one.started);
  report('pods, from POST to ready', '/s', one.pods, many.pods, one.pods / many.pods, GOAL);
  report('POST to its controller’s reaction, p50', 'ms', one.p50, many.p50, many.p50 / one.p50, GOAL);
  report('POST to its controller’s reaction, p99', 'ms', one.p99, many.p99, many.p99 / one.p99, GOAL);
  report('events to 20 informers', '/s', one.events, many.events, one.events / many.events, GOAL);
  report(
    'resident memory when idle, all processes',
    'MB',
    sum(one.idle),
    sum(many.idle),
    sum(many.idle) / sum(one.idle),
  );
  for (const [name, now] of [...one.memory, ...many.memory]) {
    const idle = one.idle.get(name) ?? many.idle.get(name) ?? 0;
    process.stdout.write(
      `  ${name.padEnd(44)} ${idle.toFixed(0).padStart(8)} MB idle, ${now.toFixed(0)} MB in the end\n`,
    );
  }
}
const seconds = await composeStart();
if (seconds !== undefined) {
  process.stdout.write(
    `${'docker-compose up to two nodes that are ready'.padEnd(46)} ${seconds.toFixed(1).padStart(8)} s\n`,
  );
}
