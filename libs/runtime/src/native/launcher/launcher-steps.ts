import path from 'node:path';
import { capabilityMask } from '../oci/capabilities';
import { type OciNamespace, type OciProcess, type OciSpec } from '../oci/spec-types';
import { RuntimeError } from '../../container-runtime';
import { cgroupSteps, type CgroupHierarchies } from './cgroup-steps';
import { type Step } from './encode-steps';
import { cloneFlags, mountFlags, propagationOptions, rlimits } from './kernel-flags';
import { mountSteps } from './mount-steps';

/**
 * How the launcher makes a container from what runc would be told of it. Throws `RuntimeError` for what it cannot do.
 * @param filter of system calls, in the kernel's instructions
 */
export function containerSteps(spec: OciSpec, hierarchies: CgroupHierarchies, filter?: Uint8Array): Step[] {
  const { process, root, linux, hostname } = spec;
  const { namespaces, cgroupsPath, resources } = linux;
  const made = (...types: readonly OciNamespace['type'][]): number =>
    namespaces
      .filter((namespace) => namespace.path === undefined && types.includes(namespace.type))
      .reduce((flags, namespace) => flags | cloneFlags[namespace.type], 0);
  const propagation = propagationOptions[linux.rootfsPropagation ?? 'rslave'] ?? 0;
  return [
    ...cgroupSteps(hierarchies, cgroupsPath, resources),
    ...namespaces.flatMap((namespace): Step[] =>
      namespace.path === undefined ? [] : [['setns', namespace.path, cloneFlags[namespace.type]]],
    ),
    ['unshare', made('network', 'uts', 'ipc', 'pid')],
    ['fork'],
    ['enter-groups'],
    ['unshare', made('mount', 'cgroup')],
    ...(hostname === undefined ? [] : [['hostname', hostname] as const]),
    ...Object.entries(linux.sysctl ?? {}).map(([name, value]): Step => ['write', sysctlFile(name), value]),
    ...(process.oomScoreAdj === undefined ? [] : [['write', '/proc/self/oom_score_adj', process.oomScoreAdj] as const]),
    ['change', '/', propagation],
    ['root', root.path],
    ...mountSteps(spec, hierarchies),
    ...deviceSteps(spec),
    ...(linux.readonlyPaths ?? []).map((name): Step => ['readonly', name]),
    ...(linux.maskedPaths ?? []).map((name): Step => ['mask', name]),
    ['directory', process.cwd],
    ['pivot'],
    ...(linux.rootfsPropagation === undefined ? [] : [['change', '/', propagation] as const]),
    ...(root.readonly ? [['change', '/', mountFlags.remount | mountFlags.bind | mountFlags.readonly] as const] : []),
    ...processSteps(confined(process, spec, hierarchies), filter, [['ready']]),
  ];
}

/**
 * Where control groups cannot forbid devices nobody may make their nodes, but who may use them all.
 * @param spec of the container that the process is, or is to be, in
 */
export function confined(process: OciProcess, { linux }: OciSpec, hierarchies: CgroupHierarchies): OciProcess {
  const isForbidding = hierarchies.version === 1 && hierarchies.mountPoints['devices'] !== undefined;
  const [first] = linux.resources.devices ?? [];
  if (isForbidding || (first?.allow === true && first.type === undefined)) return process;
  const without = (names: readonly string[]): string[] => names.filter((name) => name !== 'CAP_MKNOD');
  const { bounding, effective, permitted } = process.capabilities;
  const capabilities = {
    bounding: without(bounding),
    effective: without(effective),
    permitted: without(permitted),
  };
  return { ...process, capabilities };
}

/** What a process becomes that is in its container already. */
export function processSteps(process: OciProcess, filter?: Uint8Array, beforeRunning: readonly Step[] = []): Step[] {
  const { terminal, user, args, env, cwd, capabilities, noNewPrivileges } = process;
  if (process.apparmorProfile !== undefined) throw unable('apply AppArmor profiles');
  if (process.selinuxLabel !== undefined) throw unable('set SELinux labels');
  const { effective, permitted } = capabilities;
  const filtering: Step[] = filter === undefined ? [] : [['seccomp', filter]];
  const identity: Step[] = [
    ['bounding', capabilityMask(capabilities.bounding)],
    // Where one's own number is all there is, groups are kept.
    ...(user.additionalGids === undefined ? [] : [['groups', ...user.additionalGids] as const]),
    ['identity', user.uid, user.gid, capabilityMask(effective), capabilityMask(permitted)],
  ];
  return [
    ['session'],
    ...(terminal ? [['terminal'] as const] : []),
    ...(process.rlimits ?? []).map(({ type, soft, hard }): Step => ['rlimit', rlimits[type] ?? -1, soft, hard]),
    ['environment', ...env],
    ['chdir', cwd],
    ['find', args[0] ?? ''],
    ...beforeRunning,
    // A filter is loaded by who may do everything, or by who has given up getting more (seccomp(2)): the later, the less it has to allow.
    ...(noNewPrivileges ? [...identity, ['no-new-privileges'] as const, ...filtering] : [...filtering, ...identity]),
    ['exec', ...args],
  ];
}

/** With their numbers (Documentation/admin-guide/devices.txt). */
const standardDevices = [
  ['/dev/null', 1, 3],
  ['/dev/zero', 1, 5],
  ['/dev/full', 1, 7],
  ['/dev/random', 1, 8],
  ['/dev/urandom', 1, 9],
  ['/dev/tty', 5, 0],
] as const;

const links = [
  ['/proc/self/fd', '/dev/fd'],
  ['/proc/self/fd/0', '/dev/stdin'],
  ['/proc/self/fd/1', '/dev/stdout'],
  ['/proc/self/fd/2', '/dev/stderr'],
  ['pts/ptmx', '/dev/ptmx'],
] as const;

const kinds = { c: 0o020000, b: 0o060000 } as const;

/** A /dev that the pod has put there itself is left alone, as runc does. */
function deviceSteps({ mounts, linux: { devices = [] } }: OciSpec): Step[] {
  const dev = mounts.find(({ destination }) => path.normalize(destination) === '/dev');
  if (dev === undefined || dev.type === 'bind') return [];
  // Those that are mounted are there.
  const own = new Set([...devices.map((device) => device.path), ...mounts.map(({ destination }) => destination)]);
  const all = [
    ...devices,
    ...standardDevices
      .filter(([name]) => !own.has(name))
      .map(([name, major, minor]) => ({ path: name, type: 'c', major, minor, fileMode: 0o666, uid: 0, gid: 0 })),
  ];
  return [
    ...all.map(({ path: name, type, major, minor, fileMode, uid, gid }): Step => {
      const kind = type === 'b' ? kinds.b : kinds.c;
      return ['device', name, kind | fileMode, deviceNumber(major, minor), uid, gid];
    }),
    ...links.map(([to, name]): Step => ['link', to, name]),
  ];
}

/** The kernel's 32 bits (new_encode_dev). */
function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** `kernel.shm_rmid_forced`, with dots or slashes (sysctl(8)). */
function sysctlFile(name: string): string {
  const parts = name.includes('/') ? name.split('/') : name.split('.');
  if (parts.some((part) => part === '' || part === '..' || part === '.')) {
    throw new RuntimeError('create-failed', `invalid sysctl "${name}"`);
  }
  return path.join('/proc/sys', ...parts);
}

function unable(what: string): RuntimeError {
  return new RuntimeError('create-failed', `the launcher cannot ${what}: that takes crun or runc`);
}
