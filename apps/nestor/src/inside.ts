import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { systemClock } from '#machinery';
import { withHostMutex } from '#process';
import { connectToDocker, NamespaceError, NodeNamespace, RuntimeError } from '#runtime';
import { type DataDirectory } from './data-directory';
import { EndedWith, isOrdinaryUser, namespaceOf, namespaceVariable } from './rootless';
import { candidatesOf, type WantedRuntime } from './runtime-choice';
import { UserError } from './user-error';

/** Whether a cluster has to run in a namespace of its own: an ordinary user's, whose pods need no engine. */
async function needsNamespace(directory: DataDirectory, wanted: WantedRuntime): Promise<boolean> {
  if (!isOrdinaryUser() || wanted === 'docker' || wanted === 'fake') return false;
  if (wanted === 'native') return true;
  const [first] = candidatesOf(directory.root);
  return first === 'native' || (!existsSync(directory.nodes) && !(await hasDocker()));
}

/** Goes on there if it has to, and ends with what ends there. Returns otherwise, and if there is no namespace and the cluster is to run without pods. */
export async function startInside(
  directory: DataDirectory,
  { runtime, bus }: { readonly runtime: WantedRuntime; readonly bus?: string },
): Promise<void> {
  if (!(await needsNamespace(directory, runtime))) return;
  if (bus !== undefined) {
    throw new UserError(
      '--bus takes root, Docker or --runtime fake: a node without root does not reach a server on loopback',
    );
  }
  try {
    await goOnInside(directory);
  } catch (error) {
    if (!(error instanceof NamespaceError)) throw error;
    if (runtime === 'native') throw explainNamespace(error);
  }
}

/** Removes what is inside: what is other users' can be removed only there, and containers are best ended one by one. Then ends what is left. */
export async function purgeInside(directory: DataDirectory): Promise<void> {
  // Root sees all files, and has nothing to do with the namespace but to end it.
  if (isOrdinaryUser() && (await runInside(directory, process.argv.slice(1))) !== 0) {
    throw new UserError('what ran without root could not be removed');
  }
  await endNamespace(directory);
}

/**
 * Goes on with this command line in the namespace of a data directory, which is made unless it is there. Never resolves well: it ends with `EndedWith`, or with
 * `NamespaceError` before anything was done.
 */
export async function goOnInside(directory: DataDirectory): Promise<never> {
  throw new EndedWith(await runInside(directory, process.argv.slice(1)));
}

/** Runs this program with other arguments there. @returns its exit code */
async function runInside(directory: DataDirectory, argv: readonly string[]): Promise<number> {
  const place = namespaceOf(directory);
  const namespace = await withHostMutex(place, () => NodeNamespace.ensure(place, systemClock));
  const [program, ...args] = namespace.command(process.execPath, ...process.execArgv, ...argv);
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, [namespaceVariable]: place } });
  // A terminal interrupts both.
  const ignore = (): void => undefined;
  const passOn = (): void => void child.kill('SIGTERM');
  process.on('SIGINT', ignore).on('SIGTERM', passOn).on('SIGHUP', passOn);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (error) => reject(new NamespaceError(`cannot run ${program}: ${error.message}`)));
      child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)));
    });
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', passOn).off('SIGHUP', passOn);
  }
}

/** Ends everything that is in the namespace of a data directory. From outside. */
async function endNamespace(directory: DataDirectory): Promise<void> {
  const place = namespaceOf(directory);
  await withHostMutex(place, () => NodeNamespace.end(place, systemClock));
}

/** What an ordinary user is told for whom there is no namespace. */
function explainNamespace(error: NamespaceError): UserError {
  return new UserError(
    `Containers cannot run without root: ${error.message} Or run nestor as root, with Docker, or with --runtime fake.`,
    { cause: error },
  );
}

async function hasDocker(): Promise<boolean> {
  const connection = connectToDocker();
  try {
    await connection.version();
    return true;
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'unavailable') return false;
    throw error;
  } finally {
    connection.close();
  }
}
