import fs from 'node:fs/promises';
import path from 'node:path';
import { writePayload } from './atomic-writer';
import { configMapFiles, downwardFiles, type Files, projectionFiles, secretFiles, tokenFile } from './payloads';
import { type MountedVolume, type VolumeContext, type VolumePlugin, type VolumeServices } from './volume';

const defaultMode = 0o644;

/** The volume's directory in the pod's. */
export function volumeDirectory({ podDirectory, volume }: VolumeContext, folder: string): string {
  return path.join(podDirectory, 'volumes', folder, volume.name);
}

type Content = (context: VolumeContext, services: VolumeServices) => Promise<{ files: Files; refreshAt?: number }>;

/** A volume whose files come from the API and follow it. */
function contentVolume(
  folder: string,
  handles: VolumePlugin['handles'],
  services: VolumeServices,
  content: Content,
  { isPublic = false } = {},
): VolumePlugin {
  return {
    folder,
    handles,
    isLive: true,
    async setUp(context): Promise<MountedVolume> {
      const { files, refreshAt } = await content(context, services);
      const directory = volumeDirectory(context, folder);
      await fs.mkdir(directory, { recursive: true });
      if (!isPublic) await services.memory?.ensure(directory);
      // What containers run as may be anybody; the directories above keep others of the host out.
      await fs.chmod(directory, 0o777);
      await writePayload(directory, files, services.clock.now(), context.pod.spec?.securityContext?.fsGroup);
      return { hostPath: directory, isReadOnly: true, ...(refreshAt === undefined ? {} : { refreshAt }) };
    },
  };
}

export function contentVolumes(services: VolumeServices): readonly VolumePlugin[] {
  return [
    contentVolume(
      'kubernetes.io~configmap',
      ({ configMap }) => configMap !== undefined,
      services,
      async (context) => {
        const source = context.volume.configMap!;
        return { files: await configMapFiles(context, services, source, source.defaultMode ?? defaultMode) };
      },
      { isPublic: true },
    ),
    contentVolume(
      'kubernetes.io~secret',
      ({ secret }) => secret !== undefined,
      services,
      async (context) => {
        const { secretName, items, optional, defaultMode: mode = defaultMode } = context.volume.secret!;
        return { files: await secretFiles(context, services, { name: secretName, items, optional }, mode) };
      },
    ),
    contentVolume(
      'kubernetes.io~downward-api',
      ({ downwardAPI }) => downwardAPI !== undefined,
      services,
      async (context) => {
        const { items = [], defaultMode: mode = defaultMode } = context.volume.downwardAPI!;
        return { files: downwardFiles(context, services, items, mode) };
      },
    ),
    contentVolume('kubernetes.io~projected', ({ projected }) => projected !== undefined, services, projected),
  ];
}

async function projected(
  context: VolumeContext,
  services: VolumeServices,
): Promise<{ files: Files; refreshAt?: number }> {
  const { sources = [], defaultMode: mode = defaultMode } = context.volume.projected!;
  const files: Files = new Map();
  let refreshAt: number | undefined;
  const { previous } = context;
  const validUntil = previous?.refreshAt ?? 0;
  const isFresh = services.clock.now() < validUntil;
  for (const source of sources) {
    const { serviceAccountToken } = source;
    if (serviceAccountToken === undefined) {
      for (const [name, file] of await projectionFiles(context, services, source, mode)) files.set(name, file);
      continue;
    }
    const known = isFresh ? await readToken(context, serviceAccountToken.path) : undefined;
    const { token, refreshAt: due } =
      known === undefined
        ? await tokenFile(context, services, serviceAccountToken)
        : { token: known, refreshAt: validUntil };
    refreshAt = Math.min(refreshAt ?? Infinity, due);
    files.set(serviceAccountToken.path, { data: Buffer.from(token), ...tokenOwner(context, mode) });
  }
  return { files, ...(refreshAt === undefined ? {} : { refreshAt }) };
}

/** A token is for its pod only: where one user or group is known, nobody else may read it. */
function tokenOwner({ pod }: VolumeContext, mode: number): { mode: number; uid?: number } {
  const { spec } = pod;
  const users = new Set(
    [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(
      ({ securityContext }) => securityContext?.runAsUser ?? spec?.securityContext?.runAsUser,
    ),
  );
  const [user] = users;
  if (users.size === 1 && user !== undefined) return { mode: 0o600, uid: user };
  return { mode: spec?.securityContext?.fsGroup === undefined ? mode : 0o600 };
}

async function readToken(context: VolumeContext, file: string): Promise<string | undefined> {
  try {
    return await fs.readFile(path.join(volumeDirectory(context, 'kubernetes.io~projected'), file), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
