import { type Stats } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { resources, type HostPathVolumeSource } from '#api';
import { type DeepReadonly, hasReason, parseQuantity, wholeValue } from '#machinery';
import { giveTo } from './owner';
import { volumeDirectory } from './content-volumes';
import { isMountPoint, mount } from './mounts';
import { type MountedVolume, type VolumeContext, type VolumePlugin, type VolumeServices } from './volume';

const emptyDirFolder = 'kubernetes.io~empty-dir';

/** A directory that lives as long as the pod; in memory (tmpfs) when asked for. */
const emptyDir: VolumePlugin = {
  folder: emptyDirFolder,
  handles: ({ emptyDir }) => emptyDir !== undefined,
  isLive: false,
  async setUp(context): Promise<MountedVolume> {
    const { medium = '', sizeLimit } = context.volume.emptyDir!;
    const directory = volumeDirectory(context, emptyDirFolder);
    await fs.mkdir(directory, { recursive: true });
    if (medium === 'Memory' && !(await isMountPoint(directory))) {
      const size = sizeLimit === undefined ? [] : [`size=${wholeValue(parseQuantity(sizeLimit))}`];
      await mount('tmpfs', directory, { type: 'tmpfs', options: size });
    }
    await fs.chmod(directory, 0o777);
    await giveToGroup(directory, context);
    return { hostPath: directory, isReadOnly: false };
  },
};

const hostPath: VolumePlugin = {
  folder: 'kubernetes.io~host-path',
  handles: ({ hostPath }) => hostPath !== undefined,
  isLive: false,
  setUp: ({ volume }) => checkHostPath(volume.hostPath!),
};

/** A claim that is bound to a directory of this host. */
function persistentVolumeClaim({ client }: VolumeServices): VolumePlugin {
  return {
    folder: 'kubernetes.io~persistent-volume',
    handles: ({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined,
    isLive: false,
    async setUp(context): Promise<MountedVolume> {
      const { claimName, readOnly = false } = context.volume.persistentVolumeClaim!;
      const namespace = context.pod.metadata?.namespace ?? '';
      const claim = await client
        .get(resources.persistentVolumeClaims, { namespace, name: claimName })
        .catch((error: unknown) => {
          if (hasReason(error, 'NotFound')) throw new Error(`persistentvolumeclaim "${claimName}" not found`);
          throw error;
        });
      const name = claim.spec?.volumeName;
      if (claim.status?.phase !== 'Bound' || name === undefined) {
        throw new Error(`PVC ${namespace}/${claimName} is not bound`);
      }
      const { spec } = await client.get(resources.persistentVolumes, { namespace: '', name });
      const source =
        spec?.hostPath ?? (spec?.local === undefined ? undefined : { path: spec.local.path, type: 'Directory' });
      if (source === undefined)
        throw new Error(`volume plugin of persistent volume ${name} is not supported by this node`);
      const mounted = await checkHostPath(source);
      if (!readOnly) await giveToGroup(mounted.hostPath, context);
      return { ...mounted, isReadOnly: readOnly };
    },
  };
}

export function directoryVolumes(services: VolumeServices): readonly VolumePlugin[] {
  return [emptyDir, hostPath, persistentVolumeClaim(services)];
}

const typeChecks: Readonly<Record<string, { is: keyof Stats & `is${string}`; text: string }>> = {
  Directory: { is: 'isDirectory', text: 'a directory' },
  File: { is: 'isFile', text: 'a file' },
  Socket: { is: 'isSocket', text: 'a socket file' },
  CharDevice: { is: 'isCharacterDevice', text: 'a character device' },
  BlockDevice: { is: 'isBlockDevice', text: 'a block device' },
};

async function checkHostPath({
  path: hostPath,
  type = '',
}: DeepReadonly<HostPathVolumeSource>): Promise<MountedVolume> {
  if (hostPath.split('/').includes('..')) throw new Error("must not contain '..'");
  const created = type === 'DirectoryOrCreate' || type === 'FileOrCreate';
  const kind = created ? type.replace('OrCreate', '') : type;
  const stat = await fs.stat(hostPath).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const check = typeChecks[kind];
  if (stat !== undefined) {
    if (check !== undefined && !stat[check.is]()) {
      throw new Error(`hostPath type check failed: ${hostPath} is not ${check.text}`);
    }
  } else if (type === 'FileOrCreate') {
    await fs.writeFile(hostPath, '', { mode: 0o644, flag: 'a' });
  } else if (type === 'DirectoryOrCreate' || type === '') {
    // Without a type the runtime has always made what is missing.
    await fs.mkdir(hostPath, { recursive: true, mode: 0o755 });
  } else {
    throw new Error(`hostPath type check failed: ${hostPath} is not ${check?.text ?? 'there'}`);
  }
  return { hostPath, isReadOnly: false };
}

/** `fsGroup`: the group owns the directory and what is made in it. */
async function giveToGroup(directory: string, { pod }: VolumeContext): Promise<void> {
  const { fsGroup, fsGroupChangePolicy } = pod.spec?.securityContext ?? {};
  if (fsGroup === undefined || process.getuid?.() !== 0) return;
  const stat = await fs.stat(directory);
  const isDone = stat.gid === fsGroup && (stat.mode & 0o2070) === 0o2070;
  if (isDone && fsGroupChangePolicy === 'OnRootMismatch') return;
  await giveTree(directory, fsGroup);
}

async function giveTree(file: string, gid: number): Promise<void> {
  const stat = await fs.lstat(file);
  await giveTo(file, stat.uid, gid);
  if (stat.isSymbolicLink()) return;
  await fs.chmod(file, (stat.mode & 0o7777) | (stat.isDirectory() ? 0o2770 : 0o660));
  if (!stat.isDirectory()) return;
  for (const name of await fs.readdir(file)) await giveTree(path.join(file, name), gid);
}
