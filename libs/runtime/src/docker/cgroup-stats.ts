import { readFile } from 'node:fs/promises';
import path from 'node:path';

export interface Usage {
  readonly cpuNanoseconds: number;
  readonly memoryUsageBytes: number;
  readonly memoryWorkingSetBytes: number;
  readonly memoryRssBytes: number;
}

const root = '/sys/fs/cgroup';

/** Usage of a process's cgroup, read from the kernel. Undefined: the process is gone, or its cgroup is not visible from here. */
export async function usageOf(pid: number): Promise<Usage | undefined> {
  try {
    const groups = parseCgroups(await readFile(`/proc/${pid}/cgroup`, 'utf8'));
    return groups.memory === undefined || groups.cpuacct === undefined
      ? await usageV2(groups.unified)
      : await usageV1(groups.cpuacct, groups.memory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'ENODEV') return undefined;
    throw error;
  }
}

/** `hierarchy:controllers:path` lines; cgroup v2 is hierarchy 0 without controllers. (cgroups(7)) */
export function parseCgroups(text: string): { cpuacct?: string; memory?: string; unified?: string } {
  const found: { cpuacct?: string; memory?: string; unified?: string } = {};
  for (const line of text.split('\n')) {
    const [, controllers, group] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || group === undefined) continue;
    if (controllers === '') found.unified = group;
    for (const controller of controllers.split(',')) {
      if (controller === 'cpuacct' || controller === 'memory') found[controller] = group;
    }
  }
  return found;
}

async function usageV1(cpuacct: string, memory: string): Promise<Usage> {
  const [cpu, usage, stat] = await Promise.all([
    readFile(path.join(root, 'cpuacct', cpuacct, 'cpuacct.usage'), 'utf8'),
    readFile(path.join(root, 'memory', memory, 'memory.usage_in_bytes'), 'utf8'),
    readFile(path.join(root, 'memory', memory, 'memory.stat'), 'utf8'),
  ]);
  return memoryUsage(Number(cpu), Number(usage), field(stat, 'total_inactive_file'), field(stat, 'total_rss'));
}

async function usageV2(group = ''): Promise<Usage> {
  const [cpu, current, stat] = await Promise.all([
    readFile(path.join(root, group, 'cpu.stat'), 'utf8'),
    readFile(path.join(root, group, 'memory.current'), 'utf8'),
    readFile(path.join(root, group, 'memory.stat'), 'utf8'),
  ]);
  return memoryUsage(
    field(cpu, 'usage_usec') * 1000,
    Number(current),
    field(stat, 'inactive_file'),
    field(stat, 'anon'),
  );
}

/** The working set is what cannot be dropped at once: all but the file pages that nobody used lately. */
function memoryUsage(cpuNanoseconds: number, usage: number, inactiveFile: number, rss: number): Usage {
  return {
    cpuNanoseconds,
    memoryUsageBytes: usage,
    memoryWorkingSetBytes: Math.max(0, usage - inactiveFile),
    memoryRssBytes: rss,
  };
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}
