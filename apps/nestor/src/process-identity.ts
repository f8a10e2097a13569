import { readFileSync } from 'node:fs';

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Kernel's start time and boot id on Linux; elsewhere ''. */
  readonly startedAt: string;
}

/** The identity of a live process, or undefined if there is none with that pid. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (process.platform !== 'linux') return isAlive(pid) ? { pid, startedAt: '' } : undefined;
  const stat = readOptional(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // proc(5): the command name, field 2, may contain spaces and parentheses; start time is field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const bootId = readOptional('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  return { pid, startedAt: `${bootId}/${fields[19]}` };
}

export function isSameProcess(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
