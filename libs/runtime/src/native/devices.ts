import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { type ContainerConfig, RuntimeError } from '../container-runtime';
import { type OciDevice } from './oci/spec-types';

export type ContainerDevice = OciDevice & { readonly permissions: string; readonly hostPath: string };

/** The devices a container asks for; a privileged one has the machine's. */
export async function devicesOf({ devices, security }: ContainerConfig): Promise<ContainerDevice[]> {
  const asked = await Promise.all(
    devices.map(async ({ hostPath, containerPath, permissions }) => {
      const device = await deviceAt(hostPath, containerPath, permissions);
      if (device !== undefined) return device;
      throw new RuntimeError(
        'create-failed',
        `error gathering device information for "${hostPath}": not a device node`,
      );
    }),
  );
  if (!security.privileged) return asked;
  const own = new Set(asked.map(({ path: name }) => name));
  return [...asked, ...(await machineDevices('/dev')).filter(({ path: name }) => !own.has(name))];
}

/** Terminals and shared memory are a container's own. */
const containersOwn = new Set(['pts', 'shm', 'mqueue', 'fd', 'console']);

async function machineDevices(directory: string): Promise<ContainerDevice[]> {
  const found: ContainerDevice[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const name = path.join(directory, entry.name);
    if (entry.isDirectory() && !containersOwn.has(entry.name)) found.push(...(await machineDevices(name)));
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) continue;
    const device = containersOwn.has(entry.name) ? undefined : await deviceAt(name, name, 'rwm');
    if (device !== undefined) found.push(device);
  }
  return found;
}

/** Undefined: it is no device. */
async function deviceAt(
  hostPath: string,
  containerPath: string,
  permissions: string,
): Promise<ContainerDevice | undefined> {
  const found = await stat(hostPath).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined || !(found.isCharacterDevice() || found.isBlockDevice())) return undefined;
  const { mode, uid, gid, rdev } = found;
  const type = found.isBlockDevice() ? 'b' : 'c';
  return { hostPath, path: containerPath, type, ...numbersOf(rdev), fileMode: mode & 0o777, uid, gid, permissions };
}

/** The kernel's huge encoding, as glibc has it (makedev(3)). */
function numbersOf(rdev: number): { major: number; minor: number } {
  const device = BigInt(rdev);
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
