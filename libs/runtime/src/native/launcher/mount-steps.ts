import path from 'node:path';
import { type OciMount, type OciSpec } from '../oci/spec-types';
import { type CgroupHierarchies, groupsV1 } from './cgroup-steps';
import { type Step } from './encode-steps';
import { mountFlags, mountOptions, propagationOptions } from './kernel-flags';

/** What is mounted in a container, in its order; volumes that are bound get their flags by a second mount (mount(2), MS_BIND). */
export function mountSteps(spec: OciSpec, hierarchies: CgroupHierarchies): Step[] {
  return spec.mounts.flatMap((mount) =>
    mount.type === 'cgroup' ? cgroupMount(mount, spec.linux.cgroupsPath, hierarchies) : mountStep(mount),
  );
}

function mountStep({ source, destination, type, options }: OciMount): Step[] {
  const { flags, propagation, data } = parseOptions(options);
  if ((flags & mountFlags.bind) === 0) return [['mount', source, destination, type, flags, data]];
  const kind = flags & (mountFlags.bind | mountFlags.recursive);
  const others = flags & ~kind;
  return [
    ['mount', source, destination, 'bind', kind, ''],
    ...(others === 0 ? [] : [['remount', destination, others] as const]),
    ...propagation.map((value): Step => ['propagate', destination, value]),
  ];
}

function parseOptions(options: readonly string[]): { flags: number; propagation: number[]; data: string } {
  const propagation: number[] = [];
  const data: string[] = [];
  let flags = 0;
  for (const option of options) {
    const known = mountOptions[option];
    const value = propagationOptions[option];
    if (known !== undefined) flags = (flags | (known.set ?? 0)) & ~(known.clear ?? 0);
    else if (value !== undefined) propagation.push(value);
    else data.push(option);
  }
  return { flags, propagation, data: data.join(',') };
}

/** The container's own groups, as far down as it may see: a directory for each controller, or version 2's tree in a namespace of its own. */
function cgroupMount(mount: OciMount, group: string, hierarchies: CgroupHierarchies): Step[] {
  const { destination, options } = mount;
  if (hierarchies.version === 2) return mountStep({ ...mount, type: 'cgroup2', source: 'cgroup' });
  const { flags } = parseOptions(options);
  const isReadOnly = (flags & mountFlags.readonly) !== 0;
  const writable = flags & ~mountFlags.readonly;
  return [
    ['mount', 'tmpfs', destination, 'tmpfs', writable, 'mode=755'],
    ...groupsV1(hierarchies.mountPoints, group).flatMap(([name, directory]) =>
      mountStep({
        source: directory,
        destination: path.join(destination, name),
        type: 'bind',
        options: [...options, 'rbind'],
      }),
    ),
    ...(isReadOnly ? [['remount', destination, flags] as const] : []),
  ];
}
