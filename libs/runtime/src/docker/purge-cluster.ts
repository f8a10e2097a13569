import { rmdir } from 'node:fs/promises';
import { cgroupOf } from '../cgroup-parent';
import { isLocalImage } from '../local-image';
import { type DockerApi } from './docker-api';
import { statusOf } from './errors';
import { cgroupPlaces } from '../native/cgroups';
import { keys } from './labels';

/**
 * Removes everything that a cluster has on an engine: containers, networks and the pods' control group. Safe to repeat.
 */
export async function purgeCluster(docker: DockerApi, cluster: string): Promise<void> {
  const filters = { label: [`${keys.cluster}=${cluster}`] };
  const containers = await docker.listContainers({ all: true, filters });
  await Promise.all(containers.map(({ Id }) => unlessGone(docker.removeContainer(Id))));
  for (const { Id } of await docker.listNetworks({ filters })) await unlessGone(docker.removeNetwork(Id));
  for (const place of await cgroupPlaces(cgroupOf(cluster))) await removeIfEmpty(place);
}

/** The engine removes the groups of containers, but not those that it has made above them; systemd removes its own. */
async function removeIfEmpty(directory: string): Promise<void> {
  await rmdir(directory).catch((error: NodeJS.ErrnoException) => {
    // Not there; used by another engine of this machine; an empty group of which only root can dispose does no harm.
    if (!['ENOENT', 'ENOTDIR', 'EBUSY', 'ENOTEMPTY', 'EACCES', 'EPERM', 'EROFS'].includes(error.code ?? ''))
      throw error;
  });
}

/** Removes the images made on this machine, unless a cluster has containers here. */
export async function removeLocalImages(docker: DockerApi): Promise<void> {
  const others = await docker.listContainers({ all: true, filters: { label: [keys.cluster] } });
  if (others.length > 0) return;
  for (const { RepoTags } of await docker.listImages()) {
    for (const tag of (RepoTags ?? []).filter(isLocalImage))
      await unlessGone(docker.removeImage(tag, { force: false }));
  }
}

/** Gone already, being removed, or used by somebody else (an image): left alone. */
async function unlessGone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    const status = statusOf(error);
    if (status !== 404 && status !== 409) throw error;
  }
}
