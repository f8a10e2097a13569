import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { withHostMutex } from '#process';
import { ask } from './control-socket';
import { type DataDirectory } from './data-directory';
import { identify, isSameProcess, type ProcessIdentity } from './process-identity';

/** The data directory belongs to this process until `release`. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes the data directory, or returns undefined if a live process holds it.
 *
 * A holder is alive if it answers on its socket, or if the process that wrote the lock still runs (same pid *and* same
 * start time: pids are reused). Of several starters one at a time looks at the lock of a dead process and replaces it.
 */
export function lockDirectory(directory: DataDirectory): Promise<DirectoryLock | undefined> {
  return withHostMutex(directory.root, async () => {
    const theirs = await readLock(directory.lockFile);
    if (theirs !== undefined && (await isHeld(directory, theirs))) return undefined;
    const mine = `${JSON.stringify({ ...identify(process.pid), nonce: randomBytes(8).toString('hex') })}\n`;
    await replaceFile(directory.lockFile, mine);
    await replaceFile(directory.pidFile, `${process.pid}\n`);
    return { release: () => release(directory, mine) };
  });
}

/** The live process that holds the directory, if any. */
export async function holderOf(directory: DataDirectory): Promise<ProcessIdentity | undefined> {
  const content = await readLock(directory.lockFile);
  if (content === undefined || !(await isHeld(directory, content))) return undefined;
  return parse(content);
}

async function isHeld(directory: DataDirectory, content: string): Promise<boolean> {
  const identity = parse(content);
  if (identity !== undefined && isSameProcess(identity)) return true;
  return (await ask(directory.socket, 'report')) !== undefined;
}

function parse(content: string): ProcessIdentity | undefined {
  try {
    const value = JSON.parse(content) as Partial<ProcessIdentity>;
    return typeof value.pid === 'number' && typeof value.startedAt === 'string'
      ? { pid: value.pid, startedAt: value.startedAt }
      : undefined;
  } catch {
    // A lock that was never completely written was never held.
    return undefined;
  }
}

function release(directory: DataDirectory, mine: string): Promise<void> {
  return withHostMutex(directory.root, async () => {
    if ((await readLock(directory.lockFile)) !== mine) return;
    await rm(directory.pidFile, { force: true });
    await rm(directory.lockFile, { force: true });
  });
}

/** Whoever reads the file finds all of it or the one before. */
async function replaceFile(path: string, content: string): Promise<void> {
  const draft = `${path}.${process.pid}.draft`;
  await writeFile(draft, content, { mode: 0o600 });
  await rename(draft, path);
}

async function readLock(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
