import { readdirSync, readFileSync } from 'node:fs';

/** Processes of containers without an engine, by container: those that are counted below the cluster's group, but for pause processes. */
export function containerProcesses(cluster: string): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
    const [, id] = new RegExp(`/nestor-${cluster}/([0-9a-f]{64})`).exec(read(pid, 'cgroup')) ?? [];
    const command = read(pid, 'cmdline');
    // A process without a command has ended, and only waits for its parent.
    if (id === undefined || command === '' || command.startsWith('/pause')) continue;
    found.set(id, [...(found.get(id) ?? []), pid]);
  }
  return found;
}

/** Empty for a process that has ended meanwhile. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
