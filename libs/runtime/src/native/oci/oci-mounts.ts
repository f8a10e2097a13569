import { type Mount } from '../../container-runtime';
import { type OciMount } from './spec-types';

const mount = (destination: string, type: string, source: string, options: string): OciMount => ({
  destination,
  type,
  source,
  options: options.split(' '),
});

/** Docker's, in the order in which they are made. */
export function systemMounts(isPrivileged: boolean, shm: string): OciMount[] {
  const access = isPrivileged ? 'rw' : 'ro';
  return [
    mount('/proc', 'proc', 'proc', 'nosuid noexec nodev'),
    mount('/dev', 'tmpfs', 'tmpfs', 'nosuid strictatime mode=755 size=65536k'),
    mount('/dev/pts', 'devpts', 'devpts', 'nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5'),
    mount('/sys', 'sysfs', 'sysfs', `nosuid noexec nodev ${access}`),
    mount('/sys/fs/cgroup', 'cgroup', 'cgroup', `${access} nosuid noexec nodev`),
    mount('/dev/mqueue', 'mqueue', 'mqueue', 'nosuid noexec nodev'),
    mount('/dev/shm', 'bind', shm, 'rbind rprivate'),
  ];
}

const propagations: Readonly<Record<Mount['propagation'], string>> = {
  private: 'rprivate',
  'host-to-container': 'rslave',
  bidirectional: 'rshared',
};

/** What the pod asks for. A mount over one of the system's replaces that. */
export function withVolumes(system: readonly OciMount[], mounts: readonly Mount[]): OciMount[] {
  const volumes = mounts.map(({ hostPath, containerPath, readOnly, propagation }) =>
    mount(containerPath, 'bind', hostPath, `rbind ${propagations[propagation]} ${readOnly ? 'ro' : 'rw'}`),
  );
  const replaced = new Set(mounts.map(({ containerPath }) => containerPath));
  return [...system.filter(({ destination }) => !replaced.has(destination)), ...volumes];
}

/** The root has to take part where a mount does. */
export function rootPropagation(mounts: readonly Mount[]): 'rshared' | 'rslave' | undefined {
  if (mounts.some(({ propagation }) => propagation === 'bidirectional')) return 'rshared';
  return mounts.some(({ propagation }) => propagation === 'host-to-container') ? 'rslave' : undefined;
}

/** Docker's and containerd's: what of /proc and /sys tells too much, or can be written where it should not. */
export const maskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];
export const readonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];
