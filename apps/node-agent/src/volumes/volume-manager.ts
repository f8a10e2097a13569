import fs from 'node:fs/promises';
import path from 'node:path';
import { type PodAddresses } from '../containers/downward';
import { type PodObject, uidOf } from '../pods/pod-containers';
import { contentVolumes } from './content-volumes';
import { directoryVolumes } from './directory-volumes';
import { removeTree } from './mounts';
import { type MountedVolume, VolumeError, type VolumePlugin, type VolumeServices } from './volume';

/** The volumes of this node's pods: `<pods>/<uid>/volumes/<type>/<name>`. Keeps no state that could not be made again. */
export class VolumeManager {
  private readonly plugins: readonly VolumePlugin[];
  private readonly mounted = new Map<string, Map<string, MountedVolume>>();

  constructor(
    private readonly podsDirectory: string,
    services: VolumeServices,
  ) {
    this.plugins = [...contentVolumes(services), ...directoryVolumes(services)];
  }

  podDirectory(uid: string): string {
    return path.join(this.podsDirectory, uid);
  }

  /**
   * Makes every volume of the pod ready, and the content of live ones current. Rejects with `VolumeError` at the first that cannot be.
   * @param onStale content that was there before could not be renewed; the old one stays
   */
  async setUp(
    pod: PodObject,
    addresses: PodAddresses,
    onStale: (error: VolumeError) => void,
  ): Promise<ReadonlyMap<string, MountedVolume>> {
    const podDirectory = this.podDirectory(uidOf(pod));
    await fs.mkdir(podDirectory, { recursive: true, mode: 0o750 });
    const mounted = this.mounted.get(uidOf(pod)) ?? new Map<string, MountedVolume>();
    this.mounted.set(uidOf(pod), mounted);
    for (const volume of pod.spec?.volumes ?? []) {
      const plugin = this.plugins.find((candidate) => candidate.handles(volume));
      if (plugin === undefined) throw new VolumeError(volume.name, 'no volume plugin matched');
      const previous = mounted.get(volume.name);
      if (previous !== undefined && !plugin.isLive) continue;
      try {
        mounted.set(volume.name, await plugin.setUp({ pod, volume, podDirectory, addresses, previous }));
      } catch (error) {
        const failure = new VolumeError(volume.name, error instanceof Error ? error.message : String(error));
        if (previous === undefined) throw failure;
        onStale(failure);
      }
    }
    return mounted;
  }

  /** Whether the pod has volumes whose content follows the API. */
  hasLiveVolumes(pod: PodObject): boolean {
    return (pod.spec?.volumes ?? []).some((volume) =>
      this.plugins.some((plugin) => plugin.isLive && plugin.handles(volume)),
    );
  }

  /** Removes everything that the pod had on this host, but for host paths. */
  async tearDown(uid: string): Promise<void> {
    this.mounted.delete(uid);
    await removeTree(this.podDirectory(uid));
  }

  /** UIDs of pods that have a directory here. */
  async podsOnDisk(): Promise<readonly string[]> {
    return fs.readdir(this.podsDirectory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
  }
}
