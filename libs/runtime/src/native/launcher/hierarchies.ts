import { access, constants, readFile } from 'node:fs/promises';
import { type CgroupHierarchies } from './cgroup-steps';

export async function cgroupHierarchies(): Promise<CgroupHierarchies> {
  const found = parseHierarchies(await readFile('/proc/self/mountinfo', 'utf8'));
  const places = found.version === 2 ? [found.mountPoint] : Object.values(found.mountPoints);
  const mayMake = await Promise.all(places.map(isWritable));
  // An ordinary user may make none, and counts nothing.
  return mayMake.every((may) => !may) ? { version: 1, mountPoints: {} } : found;
}

function isWritable(directory: string): Promise<boolean> {
  return access(directory, constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** Mounts as in proc(5), "/proc/pid/mountinfo". Version 2 without anything of version 1 is version 2. */
export function parseHierarchies(mountinfo: string): CgroupHierarchies {
  const mountPoints: Record<string, string> = {};
  let unified: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const mountPoint = unescape(before.split(' ')[4] ?? '');
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup2') unified ??= mountPoint;
    if (type === 'cgroup') for (const controller of options.split(',')) mountPoints[controller] ??= mountPoint;
  }
  return unified !== undefined && Object.keys(mountPoints).length === 0
    ? { version: 2, mountPoint: unified }
    : { version: 1, mountPoints };
}

/** Spaces and the like are octal. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
