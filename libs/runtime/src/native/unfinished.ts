import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, delay } from '#machinery';
import { type Layout } from './layout';
import { isAlive, processWithParent, type ProcessRef, signalProcess } from './processes';
import { type OciRuntime } from './oci-runtime/oci-runtime';
import { type Records } from './records';
import { stewardProgram } from './steward';

const lookMs = 10;
/** How long what an earlier process has begun may take; longer, and it is killed. */
const patienceMs = 10_000;

interface Parts {
  readonly layout: Layout;
  readonly records: Records;
  readonly runtime: OciRuntime;
  readonly clock: Clock;
}

/**
 * Brings to an end what a process was doing when it was killed: its programs go on without it. Containers that it had begun to create, and not yet put
 * down as started, are removed with their supervisors; those that it had, but that still wait for the start, get it.
 */
export async function settleUnfinished(parts: Parts): Promise<void> {
  const { layout, records, runtime, clock } = parts;
  const isPassing = passing(path.basename(runtime.program));
  const found = await processesOf(layout, (args, parent) => isPassing(args) || isLeftSteward(args, parent));
  // Our own launcher becomes the container, which may still wait for its start.
  const containers = new Set([...records.containers.values()].map(({ main }) => main?.pid));
  await ends(
    clock,
    found.filter(({ ref }) => !containers.has(ref.pid)),
  );
  for (const { ref, args } of await processesOf(layout, isSupervisor)) {
    const id = args[args.indexOf('--cid') + 1] ?? '';
    const record = records.containers.get(id);
    if (record?.supervisor?.pid === ref.pid && record.supervisor.startTime === ref.startTime) continue;
    if (await runtime.knows(id)) await runtime.delete(id);
    await ends(clock, [{ ref, args }]);
  }
  for (const name of await readdir(layout.exits)) {
    if (records.containers.get(name)?.startedAt === undefined) await rm(layout.exit(name), { force: true });
  }
  for (const { id, startedAt, supervisor } of records.containers.values()) {
    if (startedAt === undefined || !(await isAlive(supervisor)) || !(await runtime.waitsForStart(id))) continue;
    await runtime.start(id).catch(async (error: unknown) => {
      if (await runtime.waitsForStart(id)) throw error;
    });
  }
}

interface FoundProcess {
  readonly ref: ProcessRef;
  readonly args: readonly string[];
}

/** Those that were told a path of the runtime's directory. */
async function processesOf(
  layout: Layout,
  isWanted: (args: readonly string[], parent: number) => boolean,
): Promise<FoundProcess[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid);
  const found = await Promise.all(
    pids.map(async (pid): Promise<FoundProcess[]> => {
      // Read before its arguments, so that these are not of a later process of the same number.
      const ref = await processWithParent(pid);
      const args = await argumentsOf(pid);
      const isOurs = args.some((arg) => arg === layout.root || arg.includes(`${layout.root}/`));
      return ref !== undefined && isOurs && isWanted(args, ref.parent) ? [{ ref, args }] : [];
    }),
  );
  return found.flat();
}

function isSupervisor(args: readonly string[]): boolean {
  return args.includes('--cid') && args.includes('--exit-dir');
}

/** Programs that end by themselves. A command in a container (`exec`) goes on as long as it likes. */
function passing(runtime: string): (args: readonly string[]) => boolean {
  return (args) => {
    if (isSupervisor(args)) return false;
    // A script comes after its interpreter.
    return args.slice(0, 3).some((arg) => path.basename(arg) === runtime) && !args.includes('exec');
  };
}

/** Of an agent that has died: it does what it was asked, and ends. */
function isLeftSteward(args: readonly string[], parent: number): boolean {
  const [, script = '', , agent] = args;
  return path.basename(script) === stewardProgram && Number(agent) !== parent;
}

async function ends(clock: Clock, processes: readonly FoundProcess[]): Promise<void> {
  const deadline = clock.monotonic() + patienceMs;
  for (const { ref } of processes) {
    for (; await isAlive(ref); await delay(clock, lookMs)) {
      if (clock.monotonic() > deadline) await signalProcess(ref, 'SIGKILL');
    }
  }
}

async function argumentsOf(pid: number): Promise<string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return [];
    throw error;
  }
}
