import { RuntimeError } from '../../container-runtime';

/** In the kernel's numbering (capability.h): the index is the bit. */
const all = [
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE',
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN',
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE',
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE',
]
  .join(' ')
  .split(' ')
  .map((name) => `CAP_${name}`);

/** What Docker and containerd give to a container that asks for nothing. */
const usual = [
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL',
  'AUDIT_WRITE',
]
  .join(' ')
  .split(' ')
  .map((name) => `CAP_${name}`);

interface Wanted {
  readonly privileged: boolean;
  readonly capabilitiesAdd: readonly string[];
  readonly capabilitiesDrop: readonly string[];
}

/**
 * The capabilities of a container, in the kernel's order.
 * @param available the runtime's own (`CapEff` of proc(5)): nobody can give what he has not. What is asked for by name and not there is left to
 * runc, which refuses it; privileged and `ALL` mean all that there are.
 */
export function capabilitiesOf({ privileged, capabilitiesAdd, capabilitiesDrop }: Wanted, available: bigint): string[] {
  const everything = all.filter((_, bit) => (available >> BigInt(bit)) & 1n);
  if (privileged) return everything;
  const add = capabilitiesAdd.map(normalize);
  const drop = capabilitiesDrop.map(normalize);
  const set = new Set(add.includes('ALL') ? everything : drop.includes('ALL') ? [] : usual);
  if (!drop.includes('ALL')) for (const name of drop) set.delete(name);
  for (const name of add) if (name !== 'ALL' && !drop.includes(name)) set.add(name);
  return all.filter((name) => set.has(name));
}

/** The kernel's bits, as a number in decimal. */
export function capabilityMask(names: readonly string[]): string {
  return String(names.reduce((mask, name) => mask | (1n << BigInt(all.indexOf(name))), 0n));
}

function normalize(name: string): string {
  const upper = name.toUpperCase();
  if (upper === 'ALL' || all.includes(upper)) return upper;
  if (all.includes(`CAP_${upper}`)) return `CAP_${upper}`;
  throw new RuntimeError('create-failed', `unknown capability: "${name}"`);
}
