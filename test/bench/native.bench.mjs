// Pods without an engine, by each program that is installed, beside Docker's engine in the same run: how long a container and a sandbox take, one
// after another and fifty at once, how much memory they need beyond their workload's, and how long a pod takes from the request until it is ready.
//
//   node test/bench/native.bench.mjs [rounds] [part of a program's name]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyAndWait, Cluster, deployment } from './cluster.mjs';
import { oneAfterAnother, quantileOf, RawContainers, report, runContainer, runPod, sandbox, timed } from './pods.mjs';

const require = createRequire(import.meta.url);
const { connectToDocker, createNativeRuntime, purgeNative } = require('../../dist/libs/runtime/index.js');
const { systemClock } = require('../../dist/libs/machinery/index.js');
const { withHostMutex } = require('../../dist/libs/process/index.js');
const { silentLogger } = require('../../dist/libs/telemetry/index.js');

const rounds = Number(process.argv[2] ?? 25);
/** Only what has this in its name. */
const wanted = process.argv[3] ?? '';
const together = 50;
const goals = { containerMs: 80, podMemoryMb: 3 };

const home = mkdtempSync(join(tmpdir(), 'nestor-bench-'));
const images = { directory: join(home, 'images'), mutex: withHostMutex };
const has = (program) => spawnSync('which', [program]).status === 0;

/** Of processes, in megabytes, where a page that several share is divided among them. */
function memoryOf(pids) {
  const kilobytes = pids.map((pid) =>
    Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]),
  );
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024;
}

/** @returns median of a container's creation and start, in ms */
function tell(what, { sandboxes, containers, pods, memory }, docker) {
  const ratio = (ours, theirs) => (theirs === undefined ? '' : `, ${(ours / theirs).toFixed(2)} of Docker's`);
  const median = quantileOf(containers, 0.5);
  process.stdout.write(`${what}\n`);
  if (sandboxes !== undefined) report('  sandbox', sandboxes);
  const goal = docker === undefined ? '' : `, goal ${goals.containerMs}`;
  report('  container, created and started', containers, `${goal}${ratio(median, docker?.container)}`);
  process.stdout.write(`  ${together} pods at once: ${(pods / 1000).toFixed(1)} s${ratio(pods, docker?.pods)}\n`);
  const limit = docker === undefined ? '' : `, goal ${goals.podMemoryMb}`;
  process.stdout.write(
    `  memory of a pod beyond its workload: ${memory.toFixed(2)} MB${limit}${ratio(memory, docker?.memory)}\n`,
  );
  return { container: median, pods, memory };
}

const many = (run) => timed(() => Promise.all(Array.from({ length: together }, (_, index) => run(index))));

async function byDocker() {
  const raw = new RawContainers();
  try {
    await raw.startPod();
    const pause = raw.ids[0];
    const containers = await oneAfterAnother(rounds, () => raw.start({ NetworkMode: `container:${pause}` }));
    const sandboxes = await oneAfterAnother(rounds, () => raw.start());
    await raw.remove();
    const pods = await many(() => raw.startPod());
    const shims = readdirSync('/proc').filter((pid) => {
      const args = /^\d+$/.test(pid) && existsSync(`/proc/${pid}/cmdline`) ? commandLine(pid) : '';
      return args.includes('containerd-shim') && raw.ids.some((id) => args.includes(id));
    });
    return tell("Docker's engine alone", { sandboxes, containers, pods, memory: memoryOf(shims) / together });
  } finally {
    await raw.remove();
  }
}

function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

async function byNative(index, what, programs, docker) {
  const cluster = `bench-${process.pid}-${index}`;
  const directory = join(home, cluster, 'n1');
  const runtime = createNativeRuntime({
    ...{ cluster, clusterCidr: `10.19${index}.0.0/16`, gateway: `10.19${index}.0.1`, directory, images, node: 'n1' },
    ...{ programs, clock: systemClock, random: Math.random, logger: silentLogger() },
  });
  const all = async () => (await runtime.listSandboxes()).map(({ id }) => id);
  const clear = async () => Promise.all((await all()).map((id) => runtime.removeSandbox(id)));
  try {
    await runtime.ensureLocalImages();
    await runPod(runtime, `10.19${index}.1.1`);
    const made = [];
    const sandboxes = await oneAfterAnother(rounds, async (round) => {
      const config = sandbox(`10.19${index}.2.${round + 1}`);
      made.push({ config, id: (await runtime.runSandbox(config)).id });
    });
    const containers = await oneAfterAnother(rounds, (round) =>
      runContainer(runtime, made[round].id, made[round].config),
    );
    await clear();
    const pods = await many((round) => runPod(runtime, `10.19${index}.3.${round + 1}`));
    const memory = memoryOf(overhead(directory)) / together;
    return tell(what, { sandboxes, containers, pods, memory }, docker);
  } finally {
    await clear();
    await runtime.close();
    await purgeNative({ directory: join(home, cluster), cluster, clock: systemClock });
  }
}

/** Pause processes, and who watches over containers. */
function overhead(directory) {
  const records = (kind) =>
    readdirSync(join(directory, kind)).map((id) => JSON.parse(readFileSync(join(directory, kind, id, 'record.json'))));
  return [
    ...records('sandboxes').map(({ pause }) => pause.pid),
    ...records('containers').map(({ supervisor }) => supervisor.pid),
  ];
}

/** How long pods of a whole cluster take, one after another, from the request until they are ready. */
async function fromApply(what, runtime, env) {
  const cluster = new Cluster(['--runtime', runtime], env);
  try {
    await cluster.ready();
    await applyAndWait(cluster, deployment('first', 1, 'nestor.local/node'));
    const times = [];
    for (let round = 0; round < 10; round++) {
      times.push(1000 * (await applyAndWait(cluster, deployment(`pod-${round}`, 1, 'nestor.local/node'))));
    }
    report(what, times);
  } finally {
    await cluster.purge();
  }
}

async function readiness(hasDocker) {
  process.stdout.write('a pod from the request until it is ready\n');
  if (hasDocker) await fromApply('  Docker', 'docker');
  await fromApply('  native, by the best that is installed', 'native');
  await fromApply('  native, by our own programs', 'native', { PATH: withoutPrograms() });
}

/** A PATH on which there are no others' programs. */
function withoutPrograms() {
  const directory = join(home, 'path');
  mkdirSync(directory);
  const own = new Set(['crun', 'runc', 'conmon']);
  for (const from of process.env.PATH.split(':').filter((name) => existsSync(name))) {
    for (const name of readdirSync(from)) {
      if (!own.has(name) && !existsSync(join(directory, name))) symlinkSync(join(from, name), join(directory, name));
    }
  }
  return directory;
}

try {
  const hasDocker = spawnSync('docker', ['version'], { stdio: 'ignore' }).status === 0;
  if (hasDocker) {
    const connection = connectToDocker();
    await connection.ensureLocalImages();
    connection.close();
  }
  const docker = hasDocker && wanted === '' ? await byDocker() : undefined;
  const found = [
    ['crun and conmon', { runtime: 'crun' }, ['crun', 'conmon']],
    ['runc and conmon', { runtime: 'runc' }, ['runc', 'conmon']],
    ['our own launcher and supervisor', { runtime: 'launcher', hasOwnSupervisor: true }, []],
  ].filter(([name, , needs]) => needs.every(has) && name.includes(wanted));
  for (const [index, [what, programs]] of found.entries()) await byNative(index, what, programs, docker);
  if (wanted === '') await readiness(hasDocker);
} catch (error) {
  // Before the files go, which may fail then, too.
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true });
}
