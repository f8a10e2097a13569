import fs from 'node:fs/promises';
import path from 'node:path';
import { type Mount } from '#runtime';
import { type ContainerSpec, type PodObject, podText, uidOf } from '../pods/pod-containers';
import { type MountedVolume, type VolumeError } from '../volumes/volume';
import { type VolumeManager } from '../volumes/volume-manager';
import { prepareSubPath, validateSubPath } from '../volumes/sub-path';
import { type Logger } from '#telemetry';
import { type PodAddresses } from './downward';
import { configError } from './errors';
import { expand } from './expansion';
import { hostnameOf } from './hostname';
import { type ClusterDns, etcHosts, parseResolvConf, resolvConf } from './pod-files';

const maxMessageBytes = 4096;

const propagations: Readonly<Record<string, Mount['propagation']>> = {
  HostToContainer: 'host-to-container',
  Bidirectional: 'bidirectional',
};

interface Settings {
  readonly volumes: VolumeManager;
  readonly dns: ClusterDns;
  readonly logger: Logger;
}

/** What containers of a pod see of the host: volumes, /etc/hosts, /etc/hostname, /etc/resolv.conf and the termination log. */
export class PodFilesystem {
  constructor(private readonly settings: Settings) {}

  get volumes(): VolumeManager {
    return this.settings.volumes;
  }

  /** Files that all containers of the pod share. */
  async writePodFiles(pod: PodObject, ip: string | undefined): Promise<void> {
    const directory = this.volumes.podDirectory(uidOf(pod));
    await fs.mkdir(directory, { recursive: true, mode: 0o750 });
    const { hostname, domain } = hostnameOf(pod, this.settings.dns.clusterDomain);
    const hostFile = pod.spec?.hostNetwork === true ? await readIfThere('/etc/hosts') : '';
    const resolver = parseResolvConf(await readIfThere('/etc/resolv.conf'));
    await writeShared(path.join(directory, 'etc-hosts'), etcHosts(pod, { ip, hostname, domain, hostFile }));
    await writeShared(path.join(directory, 'resolv.conf'), resolvConf(pod, this.settings.dns, resolver));
    await writeShared(path.join(directory, 'hostname'), `${hostname}\n`);
  }

  /** Throws `ContainerError`. Makes sub-paths and the termination log on the way. */
  async mountsOf(
    pod: PodObject,
    container: ContainerSpec,
    attempt: number,
    mounted: ReadonlyMap<string, MountedVolume>,
    env: ReadonlyMap<string, string>,
  ): Promise<Mount[]> {
    const directory = this.volumes.podDirectory(uidOf(pod));
    const mounts: Mount[] = [];
    for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
      const volume = mounted.get(mount.name);
      if (volume === undefined)
        throw configError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
      const target = path.join(directory, 'volume-subpaths', mount.name, container.name, String(index));
      mounts.push({
        hostPath: await this.sourceOf(container, mount, volume, env, target, pod),
        containerPath: path.posix.resolve('/', mount.mountPath),
        readOnly: mount.readOnly === true || volume.isReadOnly,
        propagation: propagations[mount.mountPropagation ?? ''] ?? 'private',
      });
    }
    const isTaken = (file: string): boolean => mounts.some(({ containerPath }) => containerPath === file);
    const own = [
      { name: 'etc-hosts', file: '/etc/hosts' },
      { name: 'resolv.conf', file: '/etc/resolv.conf' },
      { name: 'hostname', file: '/etc/hostname' },
    ];
    for (const { name, file } of own) {
      if (!isTaken(file)) mounts.push(shared(path.join(directory, name), file));
    }
    const log = container.terminationMessagePath ?? '/dev/termination-log';
    if (log !== '' && !isTaken(log)) mounts.push(shared(await this.makeTerminationLog(pod, container, attempt), log));
    return mounts;
  }

  /** What a container wrote to its termination log. Undefined: nothing. */
  async terminationMessage(uid: string, container: string, attempt: number): Promise<string | undefined> {
    const file = this.terminationLog(uid, container, attempt);
    const handle = await fs.open(file, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (handle === undefined) return undefined;
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxMessageBytes), 0, maxMessageBytes, 0);
      return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead).toString('utf8');
    } finally {
      await handle.close();
    }
  }

  setUpVolumes(pod: PodObject, addresses: PodAddresses): Promise<ReadonlyMap<string, MountedVolume>> {
    return this.volumes.setUp(pod, addresses, (error: VolumeError) => {
      this.settings.logger.warn({ err: error, pod: podText(pod), volume: error.volume }, 'volume content is stale');
    });
  }

  private async sourceOf(
    container: ContainerSpec,
    mount: NonNullable<ContainerSpec['volumeMounts']>[number],
    volume: MountedVolume,
    env: ReadonlyMap<string, string>,
    target: string,
    pod: PodObject,
  ): Promise<string> {
    const subPath =
      mount.subPathExpr === undefined || mount.subPathExpr === ''
        ? mount.subPath
        : expand(mount.subPathExpr, (name) => env.get(name));
    if (subPath === undefined || subPath === '') return volume.hostPath;
    const problem = validateSubPath(subPath);
    if (problem !== undefined) throw configError(problem);
    try {
      return await prepareSubPath(volume.hostPath, subPath, target);
    } catch (error) {
      // The cause could tell a tenant what is on the host: it is for the log only.
      this.settings.logger.warn({ err: error, pod: podText(pod), volume: mount.name }, 'subPath not prepared');
      throw configError(`failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}"`);
    }
  }

  private async makeTerminationLog(pod: PodObject, container: ContainerSpec, attempt: number): Promise<string> {
    const file = this.terminationLog(uidOf(pod), container.name, attempt);
    await fs.mkdir(path.dirname(file), { recursive: true, mode: 0o755 });
    await fs.writeFile(file, '');
    // The container may run as anybody.
    await fs.chmod(file, 0o666);
    return file;
  }

  private terminationLog(uid: string, container: string, attempt: number): string {
    return path.join(this.volumes.podDirectory(uid), 'containers', container, String(attempt));
  }
}

function shared(hostPath: string, containerPath: string): Mount {
  return { hostPath, containerPath, readOnly: false, propagation: 'private' };
}

/** Written in place: a rename would leave running containers with the old file. */
async function writeShared(file: string, content: string): Promise<void> {
  if ((await readIfThere(file)) === content) return;
  await fs.writeFile(file, content);
  await fs.chmod(file, 0o644);
}

async function readIfThere(file: string): Promise<string> {
  return fs.readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}
