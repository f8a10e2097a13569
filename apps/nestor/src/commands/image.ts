import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type Readable } from 'node:stream';
import { systemClock } from '#machinery';
import { withHostMutex } from '#process';
import {
  type ImageCredentials,
  type ImageProgress,
  ImageStore,
  type Pruned,
  type RegistryConfig,
  RuntimeError,
} from '#runtime';
import { createLogger } from '#telemetry';
import { alignColumns } from '../columns';
import { dataDirectory, ensureDataDirectory } from '../data-directory';
import { ProgressLine } from '../progress-line';
import { UserError } from '../user-error';

interface ImageOptions {
  readonly dataDir: string;
}

export interface PullOptions extends ImageOptions {
  readonly username?: string;
  readonly passwordStdin: boolean;
  readonly plainHttp: boolean;
  readonly skipTlsVerify: boolean;
}

/** Gets images from their registries, and prints what they are. */
export async function pullImages(images: readonly string[], options: PullOptions): Promise<void> {
  const credentials = await credentialsIn(options);
  const { plainHttp, skipTlsVerify } = options;
  const config: RegistryConfig = { ...(plainHttp ? { plainHttp } : {}), ...(skipTlsVerify ? { skipTlsVerify } : {}) };
  const registries = Object.fromEntries(images.map((image) => [image.split('/')[0] ?? '', config]));
  await withStore(options, registries, async (store, progress) => {
    for (const image of images) console.log(`${image}  ${await store.pull(image, credentials, progress)}`);
  });
}

/** Takes the images of an archive, of `docker save` or in OCI's layout. */
export async function loadImages(file: string | undefined, options: ImageOptions): Promise<void> {
  const archive = await open(file);
  await withStore(options, {}, async (store, progress) => {
    for (const id of await store.load(archive, progress)) {
      const status = await store.status(id);
      console.log(`Loaded ${status?.tags.join(', ') || id}`);
    }
  });
}

/** Makes an image of a root file system's archive. */
export async function importImage(file: string, reference: string | undefined, options: ImageOptions): Promise<void> {
  const archive = await open(file);
  await withStore(options, {}, async (store, progress) => {
    console.log(await store.import(archive, { progress, ...(reference === undefined ? {} : { reference }) }));
  });
}

/** Prints the images, as `crictl images`. */
export async function listImages(options: ImageOptions): Promise<void> {
  await withStore(options, {}, async (store) => {
    const images = await store.list();
    const rows = images.flatMap(({ id, tags, digests, sizeBytes }) => {
      const names = tags.length > 0 ? tags : digests.slice(0, 1).map((digest) => digest.replace(/@.*/, ':<none>'));
      const shown = names.length > 0 ? names : ['<none>:<none>'];
      return shown.map((name) => [...splitTag(name), id.slice('sha256:'.length).slice(0, 13), size(sizeBytes)]);
    });
    console.log(
      alignColumns([['IMAGE', 'TAG', 'IMAGE ID', 'SIZE'], ...rows.sort((a, b) => (a.join() < b.join() ? -1 : 1))]),
    );
  });
}

/** Removes names of images, and images with their last one. */
export async function removeImages(images: readonly string[], options: ImageOptions): Promise<void> {
  await withStore(options, {}, async (store) => {
    for (const image of images) {
      if ((await store.status(image)) === undefined) throw new UserError(`there is no image ${image}`);
      const { images: gone, freedBytes } = await store.remove(image);
      console.log(gone.length === 0 ? `Untagged ${image}` : `Removed ${image}, ${size(freedBytes)}`);
    }
  });
}

/** Removes what is not needed. */
export async function pruneImages(options: ImageOptions & { readonly all: boolean }): Promise<void> {
  await withStore(options, {}, async (store) => console.log(summary(await store.prune(options.all))));
}

async function withStore(
  { dataDir }: ImageOptions,
  registries: Readonly<Record<string, RegistryConfig>>,
  work: (store: ImageStore, progress: ImageProgress) => Promise<void>,
): Promise<void> {
  const directory = dataDirectory(dataDir);
  await ensureDataDirectory(directory);
  const line = new ProgressLine(systemClock, process.stderr);
  let store: ImageStore | undefined;
  const stop = (): void => void store?.close();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    store = await ImageStore.open({
      directory: directory.images,
      clock: systemClock,
      random: Math.random,
      logger: createLogger('image', { level: 'warn', destination: process.stderr }),
      mutex: withHostMutex,
      registries,
    });
    await work(store, progressOn(line));
  } catch (error) {
    line.end();
    throw error instanceof RuntimeError ? new UserError(error.message) : error;
  } finally {
    line.end();
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await store?.close();
  }
}

/** Sums over the layers of what has been fetched and what has been unpacked. */
function progressOn(line: ProgressLine): ImageProgress {
  const layers = new Map<string, { current: number; total: number }>();
  return ({ layer, phase, current, total }) => {
    if (phase === 'done') layers.delete(`unpacking ${layer}`);
    else layers.set(`${phase} ${layer}`, { current, total });
    line.show(() =>
      ['reading', 'downloading', 'unpacking']
        .flatMap((what) => {
          const some = [...layers].filter(([key]) => key.startsWith(what)).map(([, value]) => value);
          if (some.length === 0) return [];
          const sum = (of: 'current' | 'total'): number => some.reduce((bytes, one) => bytes + one[of], 0);
          return [`${what} ${size(sum('current'))}${sum('total') === 0 ? '' : ` of ${size(sum('total'))}`}`];
        })
        .join(', '),
    );
  };
}

async function credentialsIn({ username, passwordStdin }: PullOptions): Promise<ImageCredentials | undefined> {
  if (username === undefined && !passwordStdin) return undefined;
  if (username === undefined || !passwordStdin) throw new UserError('--username and --password-stdin go together');
  return { username, password: (await text(process.stdin)).replace(/\r?\n$/, '') };
}

async function open(file: string | undefined): Promise<Readable> {
  if (file === undefined || file === '-') {
    if (process.stdin.isTTY) throw new UserError('give a file, or an archive on standard input');
    return process.stdin;
  }
  await access(file).catch((error: Error) => {
    throw new UserError(error.message);
  });
  return createReadStream(file, { highWaterMark: 256 * 1024 });
}

function splitTag(name: string): [string, string] {
  const colon = name.lastIndexOf(':');
  return [name.slice(0, colon), name.slice(colon + 1)];
}

function summary({ images, freedBytes }: Pruned): string {
  return `Removed ${images.length} ${images.length === 1 ? 'image' : 'images'}, ${size(freedBytes)}`;
}

function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(3))}${units[power]}`;
}
