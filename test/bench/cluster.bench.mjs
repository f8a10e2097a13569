// The whole cluster as a person meets it: start, memory, a deployment, a thousand simulated pods. Each figure stands beside its goal;
// below it the CPU time that it took, in units of a fixed piece of work done in the same run, which compares between machines, busy or not.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyAndWait, Cluster, deployment } from './cluster.mjs';

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
