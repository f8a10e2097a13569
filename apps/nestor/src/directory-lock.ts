import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { withHostMutex } from '#process';
import { type DataDirectory } from './data-directory';
import { isHeld, readLock } from './directory-holder';
import { identify } from './process-identity';

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
