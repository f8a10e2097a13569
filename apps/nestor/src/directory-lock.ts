import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { ask } from './control-socket';
import { type DataDirectory } from './data-directory';
import { identify, isSameProcess, type ProcessIdentity } from './process-identity';

const ATTEMPTS = 10;

/** The data directory belongs to this process until `release`. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes the data directory, or returns undefined if a live process holds it.
 *
 * A holder is alive if it answers on its socket, or if the process that wrote the lock still runs (same pid *and* same
 * start time: pids are reused). A lock of a dead process is moved aside by rename, so that of several
 * starters one wins, and whoever moved a fresh lock by mistake puts it back.
 */
export async function lockDirectory(directory: DataDirectory): Promise<DirectoryLock | undefined> {
  const mine = `${JSON.stringify({ ...identify(process.pid), nonce: randomBytes(8).toString('hex') })}\n`;
  const draft = `${directory.lockFile}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await tryLink(draft, directory.lockFile)) {
        await writeFile(directory.pidFile, `${process.pid}\n`, { mode: 0o600 });
        return { release: () => release(directory, mine) };
      }
      const theirs = await readLock(directory.lockFile);
      if (theirs === undefined) continue;
      if (await isHeld(directory, theirs)) return undefined;
      await moveAside(directory.lockFile, theirs);
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new Error(`cannot lock ${directory.root}: too many others are trying`);
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

async function release(directory: DataDirectory, mine: string): Promise<void> {
  if ((await readLock(directory.lockFile)) !== mine) return;
  await rm(directory.pidFile, { force: true });
  await rm(directory.lockFile, { force: true });
}

async function moveAside(lockFile: string, expected: string): Promise<void> {
  const aside = `${lockFile}.stale.${process.pid}`;
  try {
    await rename(lockFile, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await readLock(aside)) !== expected) await tryLink(aside, lockFile);
  await rm(aside, { force: true });
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readLock(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
