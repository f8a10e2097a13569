import {
  type ContainerConfig,
  type ContainerResources,
  RuntimeError,
  type SandboxConfig,
} from '../../container-runtime';
import { type ImageConfig } from '../images/image-config';
import { capabilitiesOf } from './capabilities';
import { resolveUser, type UserFiles } from './image-user';
import { maskedPaths, readonlyPaths, rootPropagation, systemMounts, withVolumes } from './oci-mounts';
import { type SeccompProfile } from '../seccomp/seccomp-types';
import { type OciNamespace, type OciResources, type OciSpec } from './spec-types';
import { type ContainerDevice } from '../devices';
import { type UserNamespace } from '../rootless/user-namespace';
import { inUserNamespace } from './in-user-namespace';

const ociVersion = '1.0.2';
const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What the process that starts containers is and may do itself. */
export interface HostFacts {
  readonly cgroupVersion: 1 | 2;
  /** `CapEff` of proc(5). */
  readonly capabilities: bigint;
  /** How many files it may let others open (RLIMIT_NOFILE, the hard limit). */
  readonly openFiles: number;
  /** Present: this process is root in an ordinary user's namespace only. */
  readonly userNamespace?: UserNamespace;
  /** What it may be killed at the latest (proc(5), "/proc/pid/oom_score_adj"). */
  readonly oomScore: number;
}

/** CAP_SYS_RESOURCE: to be killed later than one's parent needs it (proc(5), "/proc/pid/oom_score_adj"). */
const sysResource = 24n;

/** The pause process: everything in the pod hangs from it. */
export function sandboxSpec(
  { hostname, hostNetwork, hostIpc, hostPid, shareProcessNamespace, sysctls }: SandboxConfig,
  { rootfs, cgroupsPath, host }: { readonly rootfs: string; readonly cgroupsPath: string; readonly host: HostFacts },
): OciSpec {
  const namespaces: OciNamespace[] = [
    { type: 'mount' },
    ...(hostNetwork ? [] : ([{ type: 'network' }, { type: 'uts' }] as const)),
    ...(hostIpc ? [] : ([{ type: 'ipc' }] as const)),
    ...(hostPid || !shareProcessNamespace ? [] : ([{ type: 'pid' }] as const)),
  ];
  const spec: OciSpec = {
    ociVersion,
    ...(hostNetwork ? {} : { hostname }),
    root: { path: rootfs, readonly: true },
    process: {
      terminal: false,
      user: { uid: 0, gid: 0, additionalGids: [] },
      args: ['/pause'],
      env: [],
      cwd: '/',
      capabilities: { bounding: [], effective: [], permitted: [] },
      noNewPrivileges: true,
      oomScoreAdj: oomScore(-998, host),
    },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] }],
    linux: {
      namespaces,
      cgroupsPath,
      resources: { devices: [{ allow: false, access: 'rwm' }], cpu: { shares: 2 } },
      sysctl: sysctls,
    },
  };
  return adapted(spec, host);
}

export interface ContainerFacts {
  readonly sandbox: SandboxConfig;
  readonly config: ContainerConfig;
  readonly image: ImageConfig;
  readonly users: UserFiles;
  readonly rootfs: string;
  readonly cgroupsPath: string;
  /** Directory of the pod's /dev/shm. */
  readonly shm: string;
  /** Process that holds the pod's namespaces. */
  readonly sandboxPid: number;
  /** Of the container whose process namespace it joins. */
  readonly targetPid?: number;
  /** The devices asked for, and for a privileged container the machine's. */
  readonly devices: readonly ContainerDevice[];
  /** A profile in OCI's form; absent: unconfined. */
  readonly seccomp?: SeccompProfile;
  readonly host: HostFacts;
}

/** A container as runc is told of it. Throws `RuntimeError` for what the image cannot do: no such user, no command. */
export function containerSpec(facts: ContainerFacts): OciSpec {
  const { config, image, users, rootfs, cgroupsPath, host, devices } = facts;
  const { security, resources } = config;
  const user = resolveUser(security.user ?? image.user ?? '', users, security.supplementalGroups);
  const capabilities = capabilitiesOf(security, host.capabilities);
  // As the kernel would on exec: who is not root has none, but may get them by a file's.
  const held = user.uid === 0 ? capabilities : [];
  const isMasked = !security.privileged && !security.unmaskedProc;
  const propagation = rootPropagation(config.mounts);
  const spec: OciSpec = {
    ociVersion,
    root: { path: rootfs, readonly: security.readOnlyRootFilesystem },
    process: {
      terminal: config.tty,
      user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
      args: commandOf(config, image),
      env: environmentOf(facts, user.home),
      cwd: config.workingDir ?? image.workdir ?? '/',
      capabilities: { bounding: capabilities, effective: held, permitted: held },
      noNewPrivileges: security.noNewPrivileges,
      rlimits: [openFilesLimit(host)],
      ...(resources.oomScoreAdj === undefined ? {} : { oomScoreAdj: oomScore(resources.oomScoreAdj, host) }),
      ...(security.appArmor === undefined || /^(RuntimeDefault|runtime\/default|unconfined)$/i.test(security.appArmor)
        ? {}
        : { apparmorProfile: security.appArmor.replace(/^localhost\//, '') }),
      ...selinuxOf(security.selinux),
    },
    mounts: withVolumes(systemMounts(security.privileged, facts.shm), config.mounts),
    linux: {
      namespaces: namespacesOf(facts),
      cgroupsPath,
      resources: { ...deviceRules(facts), ...resourcesOf(resources) },
      devices: devices.map(({ permissions: _, hostPath: __, ...device }) => device),
      ...(isMasked ? { maskedPaths, readonlyPaths } : {}),
      ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
      ...(facts.seccomp === undefined || security.privileged ? {} : { seccomp: facts.seccomp }),
    },
  };
  return adapted(spec, host, devices, security.supplementalGroups);
}

function adapted(
  spec: OciSpec,
  { userNamespace, oomScore: leastOomScore }: HostFacts,
  devices: readonly ContainerDevice[] = [],
  asked: readonly number[] = [],
): OciSpec {
  return userNamespace === undefined ? spec : inUserNamespace(spec, userNamespace, { devices, asked, leastOomScore });
}

/** Swap is no memory: the limit is that of both together. */
export function resourcesOf(resources: ContainerResources): OciResources {
  const { cpuShares: shares, cpuQuota: quota, cpuPeriod: period, memoryLimitBytes: limit, pidsLimit } = resources;
  const cpu = {
    ...(shares === undefined ? {} : { shares }),
    ...(quota === undefined ? {} : { quota }),
    ...(period === undefined ? {} : { period }),
  };
  return {
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(limit === undefined ? {} : { memory: { limit, swap: limit } }),
    ...(pidsLimit === undefined ? {} : { pids: { limit: pidsLimit } }),
  };
}

/** `command` replaces the image's entrypoint and its arguments; `args` alone only these. */
function commandOf({ command = [], args = [] }: ContainerConfig, { entrypoint = [], cmd = [] }: ImageConfig): string[] {
  const all = command.length > 0 ? [...command, ...args] : [...entrypoint, ...(args.length > 0 ? args : cmd)];
  if (all.length === 0) throw new RuntimeError('create-failed', 'no command specified');
  return all;
}

/** The image's, then the pod's; the last of a name counts. HOME is the user's, unless somebody says something else. */
function environmentOf({ config, image, sandbox }: ContainerFacts, home: string): string[] {
  const hostname = sandbox.hostNetwork ? [] : [`HOSTNAME=${sandbox.hostname}`];
  const given = config.env.map(({ name, value }) => `${name}=${value}`);
  const terminal = config.tty ? ['TERM=xterm'] : [];
  const values = new Map<string, string>();
  for (const entry of [defaultPath, `HOME=${home}`, ...hostname, ...terminal, ...image.env, ...given]) {
    values.set(entry.split('=', 1)[0] ?? '', entry);
  }
  return [...values.values()];
}

function namespacesOf({ sandbox, sandboxPid, targetPid, host }: ContainerFacts): OciNamespace[] {
  const ofPod = (type: 'network' | 'ipc' | 'uts' | 'pid', file: string): OciNamespace => ({
    type,
    path: `/proc/${sandboxPid}/ns/${file}`,
  });
  const pid: OciNamespace[] = sandbox.shareProcessNamespace
    ? [ofPod('pid', 'pid')]
    : [{ type: 'pid', ...(targetPid === undefined ? {} : { path: `/proc/${targetPid}/ns/pid` }) }];
  return [
    { type: 'mount' },
    ...(sandbox.hostNetwork ? [] : [ofPod('network', 'net'), ofPod('uts', 'uts')]),
    ...(sandbox.hostIpc ? [] : [ofPod('ipc', 'ipc')]),
    ...(sandbox.hostPid ? [] : pid),
    ...(host.cgroupVersion === 2 ? [{ type: 'cgroup' } as const] : []),
  ];
}

/** Nothing but what runc allows always (null, zero, random, tty …), what was asked for, and making nodes. */
function deviceRules({ config, devices }: ContainerFacts): OciResources {
  if (config.security.privileged) return { devices: [{ allow: true, access: 'rwm' }] };
  return {
    devices: [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', access: 'm' },
      { allow: true, type: 'b', access: 'm' },
      ...devices.map(({ type, major, minor, permissions }) => ({
        allow: true,
        type,
        major,
        minor,
        access: permissions === '' ? 'rwm' : permissions,
      })),
    ],
  };
}

function selinuxOf(options: ContainerConfig['security']['selinux']): { selinuxLabel?: string } {
  if (options === undefined) return {};
  const { user = 'system_u', role = 'system_r', type = 'container_t', level = 's0' } = options;
  return { selinuxLabel: [user, role, type, level].join(':') };
}

/** What containerd's service gives to its containers, whatever this process was started with. */
const openFiles = 2 ** 20;

function openFilesLimit(host: HostFacts) {
  const limit = Math.min(openFiles, host.openFiles);
  return { type: 'RLIMIT_NOFILE', soft: limit, hard: limit };
}

function oomScore(score: number, { capabilities }: HostFacts): number {
  return score < 0 && !((capabilities >> sysResource) & 1n) ? 0 : score;
}
