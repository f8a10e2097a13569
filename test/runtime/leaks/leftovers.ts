import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { bridgeName } from '#runtime';

/** Where a node leaves its traces. */
export interface Traces {
  /** Of the cluster. */
  readonly name: string;
  /** The node's. */
  readonly node: string;
  readonly dataDirectory: string;
  /** The agent, which may hold something. */
  readonly agentPid: number;
}

/** What pods have on a machine, by kind: each entry is one thing, in words. Without pods every list is empty. */
export function leftovers(traces: Traces): Record<string, string[]> {
  const processes = processesOf(traces);
  return {
    processes: processes.map(({ pid, command }) => `${pid} ${command}`),
    namespaces: namespacesOf(processes, traces),
    mounts: mountsOf(traces),
    interfaces: interfacesOf(traces),
    'packet filter rules': rulesOf(traces),
    cgroups: cgroupsOf(traces),
    files: filesOf(traces),
    'uses of images': imageUsersOf(traces),
  };
}

interface FoundProcess {
  readonly pid: number;
  readonly command: string;
}

/** Whatever is counted below the cluster's group, was begun with the runtime's directory, or works there. */
function processesOf({ name, dataDirectory, agentPid }: Traces): FoundProcess[] {
  const native = join(dataDirectory, 'native');
  return pids().flatMap((pid) => {
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    const isOurs =
      read(`/proc/${pid}/cgroup`).includes(`/nestor-${name}/`) ||
      command.includes(native) ||
      link(`/proc/${pid}/cwd`).startsWith(native);
    // Its steward is there as long as the agent.
    const isAgent = pid === agentPid || (command.includes('/steward.pl ') && command.endsWith(` ${agentPid}`));
    return isOurs && !isAgent && pid !== process.pid ? [{ pid, command: command.slice(0, 200) }] : [];
  });
}

function namespacesOf(processes: readonly FoundProcess[], { dataDirectory, agentPid }: Traces): string[] {
  const kinds = ['net', 'ipc', 'uts', 'pid', 'mnt'];
  const host = new Set(kinds.map((kind) => link(`/proc/self/ns/${kind}`)));
  const held = processes.flatMap(({ pid }) => kinds.map((kind) => link(`/proc/${pid}/ns/${kind}`)));
  const open = list(`/proc/${agentPid}/fd`).map((fd) => link(`/proc/${agentPid}/fd/${fd}`));
  const pinned = lines(read('/proc/self/mountinfo')).filter(
    (line) => line.includes(' - nsfs ') && line.includes(dataDirectory),
  );
  const namespaces = [...held, ...open.filter((target) => /^(net|ipc|uts|pid|mnt):\[/.test(target))];
  return [...new Set(namespaces.filter((one) => one !== '' && !host.has(one))), ...pinned];
}

function mountsOf({ dataDirectory }: Traces): string[] {
  return lines(read('/proc/self/mountinfo'))
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${dataDirectory}/`));
}

/** Those on the bridge, and those that nobody has plugged in. */
function interfacesOf({ name }: Traces): string[] {
  const output = execFileSync('ip', ['-o', 'link', 'show', 'type', 'veth'], { encoding: 'utf8' });
  return lines(output).flatMap((line) => {
    const [, own = ''] = /^\d+: (nsv[^@:]*)/.exec(line) ?? [];
    const master = / master (\S+)/.exec(line)?.[1];
    return own !== '' && (master === undefined || master === bridgeName({ cluster: name })) ? [own] : [];
  });
}

function rulesOf({ name }: Traces): string[] {
  const tables = execFileSync('nft', ['list', 'tables', 'ip'], { encoding: 'utf8' });
  return [...tables.matchAll(/^table ip (\S+)$/gm)]
    .map(([, table = '']) => table)
    .filter((table) => table.startsWith(`${bridgeName({ cluster: name })}-`))
    .flatMap((table) => lines(execFileSync('nft', ['list', 'table', 'ip', table], { encoding: 'utf8' })))
    .filter((line) => line.includes('dnat to'))
    .map((line) => line.trim());
}

function cgroupsOf({ name }: Traces): string[] {
  const root = '/sys/fs/cgroup';
  return ['', ...list(root)].flatMap((controller) => {
    const group = join(root, controller, `nestor-${name}`);
    return list(group)
      .map((entry) => join(group, entry))
      .filter((path) => existsSync(join(path, 'cgroup.procs')));
  });
}

function filesOf({ dataDirectory, node }: Traces): string[] {
  const native = join(dataDirectory, 'native', node);
  return ['sandboxes', 'containers', 'exits', 'crun', 'runc', 'launcher']
    .map((name) => join(native, name))
    .concat(join(dataDirectory, 'nodes', node, 'pods'), join(dataDirectory, 'images', 'tmp'))
    .flatMap((directory) => list(directory).map((entry) => join(directory, entry)));
}

function imageUsersOf({ dataDirectory }: Traces): string[] {
  const text = read(join(dataDirectory, 'images', 'images.json'));
  if (text === '') return [];
  const { images } = JSON.parse(text) as { images: { tags: string[]; users: string[] }[] };
  return images.flatMap(({ tags, users }) => users.map((user) => `${tags[0]} by ${user}`));
}

/** The first processes of containers that have an environment variable, by its value: those whose parents do not have it. */
export function mainProcesses(variable: string): Map<string, number[]> {
  const prefix = `${variable}=`;
  const values = new Map<number, string>();
  for (const pid of pids()) {
    const found = read(`/proc/${pid}/environ`)
      .split('\0')
      .find((one) => one.startsWith(prefix));
    if (found !== undefined) values.set(pid, found.slice(prefix.length));
  }
  const mains = [...values].filter(([pid]) => !values.has(parentOf(pid)));
  const byValue = new Map<string, number[]>();
  for (const [pid, value] of mains) byValue.set(value, [...(byValue.get(value) ?? []), pid]);
  return byValue;
}

/** The processes that hold pods' namespaces, by the network namespace that they share with a container. */
export function pauseProcessOf(main: number): number | undefined {
  const network = link(`/proc/${main}/ns/net`);
  return pids().find(
    (pid) => link(`/proc/${pid}/ns/net`) === network && read(`/proc/${pid}/cmdline`).startsWith('/pause'),
  );
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

function pids(): number[] {
  return list('/proc').map(Number).filter(Number.isInteger);
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Empty for what is gone meanwhile. */
function read(file: string): string {
  return orNothing(() => readFileSync(file, 'utf8'), '');
}

function link(file: string): string {
  return orNothing(() => readlinkSync(file), '');
}

function list(directory: string): string[] {
  return orNothing(() => readdirSync(directory), []);
}

function orNothing<T>(look: () => T, nothing: T): T {
  try {
    return look();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ESRCH', 'EACCES', 'ENOTDIR', 'EINVAL'].includes(code)) return nothing;
    throw error;
  }
}
