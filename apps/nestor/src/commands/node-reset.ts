import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { unmountBelow } from '../mounts';
import { removeFromHost } from '../purge';

export interface ResetOptions {
  readonly dataDir: string;
  readonly clusterName: string;
  readonly clusterCidr: string;
}

/**
 * Removes what the node agents of a cluster have left on this machine, as `kubeadm reset` does; their Node objects stay. The agents
 * must not run. The directory itself stays, since it may be a mount.
 */
export async function resetNode({ dataDir, clusterName: cluster, clusterCidr }: ResetOptions): Promise<void> {
  const progress = (activity: string): void => console.log(activity);
  const directory = resolve(dataDir);
  await removeFromHost({ cluster, clusterCidr, dataDir: directory }, progress);
  progress(`emptying ${directory}`);
  await unmountBelow(directory);
  for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true, force: true });
}
