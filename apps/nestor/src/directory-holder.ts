import { readFile } from 'node:fs/promises';
import { ask } from './control-socket';
import { type DataDirectory } from './data-directory';
import { isSameProcess, type ProcessIdentity } from './process-identity';

/** The live process that holds the directory, if any. */
export async function holderOf(directory: DataDirectory): Promise<ProcessIdentity | undefined> {
  const content = await readLock(directory.lockFile);
  if (content === undefined || !(await isHeld(directory, content))) return undefined;
  return parse(content);
}

/** Whether the process that wrote a lock lives. */
export async function isHeld(directory: DataDirectory, content: string): Promise<boolean> {
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

/** What the lock says, if there is one. */
export async function readLock(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
