import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../control-socket';
import { dataDirectory, type DataDirectory } from '../data-directory';
import { holderOf } from '../directory-holder';
import { isSameProcess, type ProcessIdentity } from '../process-identity';
import { namespaceOf, ownNamespace } from '../rootless';
import { UserError } from '../user-error';

const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 25;

/** Stops the control plane; with `purge` also removes everything that `up` made. Succeeds if nothing runs. */
export async function down(options: { dataDir: string; purge: boolean }): Promise<void> {
  const directory = dataDirectory(options.dataDir);
  if (ownNamespace() !== undefined) return removeAll(directory);
  const stopped = await stopHolder(directory);
  console.log(stopped ? 'Stopped.' : `No cluster is running on ${directory.root}.`);
  if (options.purge) {
    if (existsSync(namespaceOf(directory))) await (await import('../inside.js')).purgeInside(directory);
    await removeAll(directory);
    console.log(`Removed everything in ${directory.root}.`);
  } else if (stopped) {
    console.log('Containers keep running; nestor down --purge removes them and all data.');
  }
}

async function removeAll(directory: DataDirectory): Promise<void> {
  const { purge } = await import('../purge.js');
  await purge(directory, (activity) => console.log(`  ${activity}`));
}

async function stopHolder(directory: DataDirectory): Promise<boolean> {
  const holder = await holderOf(directory);
  if (holder === undefined) return false;
  if ((await ask(directory.socket, 'stop')) === undefined) process.kill(holder.pid, 'SIGTERM');
  if (!(await hasEnded(directory, holder))) {
    throw new UserError(
      `process ${holder.pid} has not stopped within ${STOP_TIMEOUT_MS / 1000} s; look at ${directory.logFile}`,
    );
  }
  return true;
}

/** True once the process is gone and the directory free. */
async function hasEnded(directory: DataDirectory, holder: ProcessIdentity): Promise<boolean> {
  for (const deadline = Date.now() + STOP_TIMEOUT_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    if (!isSameProcess(holder) && (await holderOf(directory)) === undefined) return true;
  }
  return false;
}
