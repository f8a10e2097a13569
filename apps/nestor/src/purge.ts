import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#machinery';
import { connectToDocker, purgeNative, RuntimeError } from '#runtime';
import { createLogger } from '#telemetry';
import { removeOverlay, removeServiceRules } from './cluster';
import { readIdentity } from './cluster-state';
import { type DataDirectory } from './data-directory';
import { unmountBelow } from './mounts';
import { networkPlan } from './network-plan';
import { namespaceFolder, ownNamespace } from './rootless';

/**
 * Removes everything that `up` made: containers, networks and images, packet filter rules and routes, mounts, data. What is not there is
 * not an error; what cannot be removed is, and the data stays so that it can be tried again.
 */
export async function purge(directory: DataDirectory, progress: (activity: string) => void): Promise<void> {
  const identity = await readIdentity(directory);
  if (identity !== undefined) {
    const { clusterCidr } = networkPlan(identity.plan);
    await removeFromHost({ cluster: identity.name, clusterCidr, dataDir: directory.root }, progress);
  }
  if (ownNamespace() === undefined) progress(`removing ${directory.root}`);
  await unmountBelow(directory.root);
  if (ownNamespace() === undefined) return rm(directory.root, { recursive: true, force: true });
  // What holds this process is left to those outside.
  for (const name of await readdir(directory.root)) {
    if (name !== namespaceFolder) await rm(join(directory.root, name), { recursive: true, force: true });
  }
}

/** Removes what nodes of a cluster have left on this machine: containers and networks, packet filter rules, images made here. */
export async function removeFromHost(
  {
    cluster,
    clusterCidr,
    dataDir,
  }: { readonly cluster: string; readonly clusterCidr: string; readonly dataDir: string },
  progress: (activity: string) => void,
): Promise<void> {
  progress('removing containers and networks');
  await removeContainers(cluster);
  await purgeNative({ directory: join(dataDir, 'native'), cluster, clock: systemClock });
  progress('removing packet filter rules');
  const network = { cluster, clusterCidr, logger: createLogger('purge', { level: 'warn' }) };
  await removeServiceRules(network);
  await removeOverlay(network);
}

/** Without Docker there are no containers either. */
async function removeContainers(cluster: string): Promise<void> {
  const docker = connectToDocker();
  try {
    await docker.purgeCluster(cluster);
    await docker.removeLocalImages();
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code !== 'unavailable') throw error;
  } finally {
    docker.close();
  }
}
