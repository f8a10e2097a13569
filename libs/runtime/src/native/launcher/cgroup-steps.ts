import path from 'node:path';
import { type OciResources } from '../oci/spec-types';
import { type Step } from './encode-steps';

/** Where the kernel's control groups are mounted. */
export type CgroupHierarchies =
  | { readonly version: 2; readonly mountPoint: string }
  /** Controllers may share a mount point; those that are not mounted are missing. */
  | { readonly version: 1; readonly mountPoints: Readonly<Record<string, string>> };

/** The controllers that limit, and those that count. */
const controllersV1 = ['memory', 'cpu', 'cpuacct', 'pids', 'devices'] as const;
const controllersV2 = '+cpu +memory +pids';

/** What the kernel's documentation calls always there: null, zero, full, random, urandom, tty, console, ptmx, and terminals. */
const usualDevices = ['c 1:3', 'c 1:5', 'c 1:7', 'c 1:8', 'c 1:9', 'c 5:0', 'c 5:1', 'c 5:2', 'c 136:*'];

/** Makes the groups of a container, with their limits. */
export function cgroupSteps(hierarchies: CgroupHierarchies, group: string, resources: OciResources): Step[] {
  if (hierarchies.version === 2) {
    const { mountPoint } = hierarchies;
    const parents = group.split('/').filter((part) => part !== '');
    // A controller is there if every group above hands it down.
    const above = parents.map((_, index) => path.join(mountPoint, ...parents.slice(0, index)));
    return [
      ...above.flatMap((directory): Step[] => [
        ['parent-group', directory],
        ['try-write', path.join(directory, 'cgroup.subtree_control'), controllersV2],
      ]),
      ['group', path.join(mountPoint, group)],
      ...limitSteps(hierarchies, group, resources),
    ];
  }
  const directories = new Set(groupsV1(hierarchies.mountPoints, group).map(([, directory]) => directory));
  return [
    ...[...directories].map((directory): Step => ['group', directory]),
    ...limitSteps(hierarchies, group, resources),
    ...deviceSteps(hierarchies.mountPoints['devices'], group, resources),
  ];
}

/** The groups of a container by their controllers' names, as far as these are mounted. */
export function groupsV1(mountPoints: Readonly<Record<string, string>>, group: string): [string, string][] {
  return controllersV1.flatMap((name): [string, string][] => {
    const mountPoint = mountPoints[name];
    return mountPoint === undefined ? [] : [[name, path.join(mountPoint, group)]];
  });
}

/** Sets limits, or changes them. */
export function limitSteps(hierarchies: CgroupHierarchies, group: string, resources: OciResources): Step[] {
  return hierarchies.version === 2
    ? limitsV2(path.join(hierarchies.mountPoint, group), resources)
    : limitsV1(Object.fromEntries(groupsV1(hierarchies.mountPoints, group)), resources);
}

function limitsV1(groups: Readonly<Record<string, string>>, { cpu, memory, pids }: OciResources): Step[] {
  const set = (controller: string, file: string, value: number | undefined, verb = 'write'): Step[] => {
    const directory = groups[controller];
    return value === undefined || directory === undefined ? [] : [[verb, path.join(directory, file), value]];
  };
  return [
    ...set('cpu', 'cpu.shares', cpu?.shares),
    ...set('cpu', 'cpu.cfs_period_us', cpu?.period),
    ...set('cpu', 'cpu.cfs_quota_us', cpu?.quota),
    // Both together may not be below memory alone, nor memory above both: whichever way they move, one of the orders is allowed.
    ...set('memory', 'memory.limit_in_bytes', memory?.limit, 'try-write'),
    // Only a kernel that accounts for swap has it.
    ...set('memory', 'memory.memsw.limit_in_bytes', memory?.swap, 'try-write'),
    ...set('memory', 'memory.limit_in_bytes', memory?.limit),
    ...set('pids', 'pids.max', pids?.limit),
  ];
}

function limitsV2(directory: string, { cpu, memory, pids }: OciResources): Step[] {
  const set = (file: string, value: number | string | undefined, verb = 'write'): Step[] =>
    value === undefined ? [] : [[verb, path.join(directory, file), value]];
  const { quota, period } = cpu ?? {};
  const max = quota === undefined || quota < 0 ? 'max' : String(quota);
  return [
    ...set('cpu.weight', cpu?.shares === undefined ? undefined : weightOf(cpu.shares)),
    ...set('cpu.max', quota === undefined && period === undefined ? undefined : `${max} ${period ?? 100_000}`),
    ...set('memory.max', memory?.limit),
    // Swap alone, which is what both together have beyond memory.
    ...set('memory.swap.max', memory === undefined ? undefined : memory.swap - memory.limit, 'try-write'),
    ...set('pids.max', pids?.limit),
  ];
}

/** 2…262144 shares are 1…10000 of weight, as runc and the kubelet convert them. */
function weightOf(shares: number): number {
  return shares === 0 ? 0 : Math.floor(1 + ((Math.min(Math.max(shares, 2), 262_144) - 2) * 9999) / 262_142);
}

function deviceSteps(mountPoint: string | undefined, group: string, { devices = [] }: OciResources): Step[] {
  if (mountPoint === undefined) return [];
  const file = (isAllowed: boolean): string =>
    path.join(mountPoint, group, isAllowed ? 'devices.allow' : 'devices.deny');
  const rules = devices.map(({ allow, type = 'a', major, minor, access }): Step => {
    const numbers = `${major ?? '*'}:${minor ?? '*'}`;
    return ['write', file(allow), type === 'a' ? 'a' : `${type} ${numbers} ${access}`];
  });
  return [...rules, ...usualDevices.map((device): Step => ['write', file(true), `${device} rwm`])];
}
