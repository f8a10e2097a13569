import { readFileSync } from 'node:fs';

/** The kernel's start time of a process tells it from a later one with the same number (proc(5), field 22 of stat). */
function startOf(pid: number | 'self'): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Ends the names of files that only this process uses. */
export const ownerSuffix = `${process.pid}-${startOf('self') ?? 0}`;

/** Whether the process that a name ends with still runs. Names without an owner have none. */
export function isOwned(name: string): boolean {
  const [, pid, start] = /[.-](\d+)-(\d+)$/.exec(name) ?? [];
  return pid !== undefined && startOf(Number(pid)) === start;
}
