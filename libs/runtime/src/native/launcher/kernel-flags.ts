/** Numbers of the kernel's interface (include/uapi/linux/{sched,mount,capability,resource}.h). */
export const cloneFlags = {
  mount: 0x0002_0000,
  cgroup: 0x0200_0000,
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  pid: 0x2000_0000,
  network: 0x4000_0000,
} as const;

export const mountFlags = {
  readonly: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  remount: 0x20,
  bind: 0x1000,
  recursive: 0x4000,
  private: 0x4_0000,
  slave: 0x8_0000,
  shared: 0x10_0000,
} as const;

/** Options of mounts: bits that are set, or cleared. What is not here is for the file system. */
export const mountOptions: Readonly<Record<string, { readonly set?: number; readonly clear?: number }>> = {
  ro: { set: 0x1 },
  rw: { clear: 0x1 },
  nosuid: { set: 0x2 },
  suid: { clear: 0x2 },
  nodev: { set: 0x4 },
  dev: { clear: 0x4 },
  noexec: { set: 0x8 },
  exec: { clear: 0x8 },
  sync: { set: 0x10 },
  noatime: { set: 0x400 },
  nodiratime: { set: 0x800 },
  relatime: { set: 0x20_0000 },
  strictatime: { set: 0x100_0000 },
  bind: { set: mountFlags.bind },
  rbind: { set: mountFlags.bind | mountFlags.recursive },
};

export const propagationOptions: Readonly<Record<string, number>> = {
  private: mountFlags.private,
  rprivate: mountFlags.private | mountFlags.recursive,
  slave: mountFlags.slave,
  rslave: mountFlags.slave | mountFlags.recursive,
  shared: mountFlags.shared,
  rshared: mountFlags.shared | mountFlags.recursive,
};

/** Resources of setrlimit(2), by the number. */
export const rlimits: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};
