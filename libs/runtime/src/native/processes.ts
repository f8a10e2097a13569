import { readFile } from 'node:fs/promises';

/** A process, told from later ones of the same number by when it started (in ticks since boot). */
export interface ProcessRef {
  readonly pid: number;
  readonly startTime: string;
}

/** Undefined: there is none. */
export async function processRef(pid: number): Promise<ProcessRef | undefined> {
  const fields = await statOf(pid);
  return fields === undefined ? undefined : { pid, startTime: fields[19] ?? '' };
}

export async function processWithParent(pid: number): Promise<(ProcessRef & { readonly parent: number }) | undefined> {
  const fields = await statOf(pid);
  return fields === undefined ? undefined : { pid, startTime: fields[19] ?? '', parent: Number(fields[1]) };
}

/** Whether it runs. A zombie does not. */
export async function isAlive(ref: ProcessRef | undefined): Promise<boolean> {
  const fields = ref === undefined ? undefined : await statOf(ref.pid);
  return fields !== undefined && fields[19] === ref?.startTime && fields[0] !== 'Z' && fields[0] !== 'X';
}

/** Does nothing if it has ended. */
export async function signalProcess(ref: ProcessRef | undefined, signal: NodeJS.Signals): Promise<void> {
  if (ref === undefined || !(await isAlive(ref))) return;
  try {
    process.kill(ref.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The fields after the name, which may have spaces and parentheses (proc(5), "/proc/pid/stat"). */
async function statOf(pid: number): Promise<string[] | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
