import { readFile } from 'node:fs/promises';

/**
 * Kills a process of the engine's host and all its descendants. The engine has no call that ends a command inside a container; without the rights, or with an engine
 * elsewhere, the command runs on.
 * @returns whether it was killed or is gone
 */
export async function killTree(pid: number): Promise<boolean> {
  if (pid <= 1) return false;
  // What it starts between the look and the kill would go on.
  signal(pid, 'SIGSTOP');
  // Children first seen would be adopted by process 1 of the container once their parent is gone.
  const children = await childrenOf(pid);
  const isKilled = signal(pid, 'SIGKILL');
  await Promise.all(children.map((child) => killTree(child)));
  return isKilled;
}

async function childrenOf(pid: number): Promise<number[]> {
  try {
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return [];
    throw error;
  }
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return true;
    if (code === 'EPERM') return false;
    throw error;
  }
}
