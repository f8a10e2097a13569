import { readdir, rmdir } from 'node:fs/promises';
import path from 'node:path';

const root = '/sys/fs/cgroup';

/** Where a control group is, if it is: in version 1 each controller has its own hierarchy, beside which there may be that of version 2. */
export async function cgroupPlaces(cgroup: string): Promise<string[]> {
  return [root, ...(await readdir(root)).map((name) => path.join(root, name))].map((place) => path.join(place, cgroup));
}

/**
 * Removes a control group without processes. The runtime does it for what it knows; a runtime that was killed after it had made the group, and before
 * it put down whose it is, does not.
 */
export async function removeCgroup(cgroup: string): Promise<void> {
  for (const place of await cgroupPlaces(cgroup)) {
    await rmdir(place).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    });
  }
}
