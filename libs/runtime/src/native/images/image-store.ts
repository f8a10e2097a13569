import fs from 'node:fs/promises';
import { type Readable } from 'node:stream';
import {
  defaultGarbagePolicy,
  type DiskUsage,
  type ImageCollection,
  type ImageCredentials,
  type ImageStatus,
  RuntimeError,
} from '../../container-runtime';
import { ArchiveImporter, type ImportOptions } from './archive/archive-importer';
import { Catalog, type ImageRecord } from './catalog';
import { BlobStore } from './content/blob-store';
import { toPullError, invalidImageName } from './errors';
import { ImageAdder, type ImageProgress } from './image-adder';
import { type ImageConfig } from './image-config';
import { findImage, namesOf } from './image-names';
import { type ImageUsage, type Pruned, Reclaimer } from './reclaimer';
import { LayerStore } from './layers/layer-store';
import { defaultLimits, type ImageStoreOptions } from './options';
import { Puller } from './pull';
import { machinePlatform } from './registry/platform';
import { formatReference, parseReference } from './registry/reference';
import { RegistryClient } from './registry/registry-client';

/** What a container is made of. */
export interface RootFilesystem {
  readonly imageId: string;
  /** Directories in overlayfs's form, the lowest first; not to be written. An image may have none. */
  readonly layers: readonly string[];
  readonly config: ImageConfig;
}

/**
 * The images of a node without an engine: pulled, loaded, unpacked, counted and removed. Methods may be called at the same time, also by several processes on
 * the same directory. They reject with `RuntimeError`, in the words that go into a pod's status.
 */
export class ImageStore {
  private readonly blobs: BlobStore;
  private readonly layers: LayerStore;
  private readonly catalog: Catalog;
  private readonly reclaimer: Reclaimer;
  private readonly client: RegistryClient;
  private readonly puller: Puller;
  private readonly adder: ImageAdder;
  private readonly importer: ArchiveImporter;
  private readonly closing = new AbortController();

  private constructor(private readonly options: ImageStoreOptions) {
    const { directory, clock, random, logger, mutex, registries = {} } = options;
    const limits = { ...defaultLimits, ...options.limits };
    const platform = options.platform ?? machinePlatform();
    this.blobs = new BlobStore(directory);
    this.layers = new LayerStore({
      directory,
      logger,
      limits,
      devices: options.devices ?? 'ignore',
      isDurable: options.isDurable ?? true,
    });
    this.catalog = new Catalog(directory, mutex);
    this.reclaimer = new Reclaimer({
      clock,
      disk: options.disk ?? (() => diskOf(directory)),
      catalog: this.catalog,
      blobs: this.blobs,
      layers: this.layers,
    });
    this.client = new RegistryClient({ registries, clock, random });
    const { blobs, layers, catalog, client } = this;
    this.puller = new Puller({ blobs, client, platform, limits, clock });
    this.adder = new ImageAdder({ layers, catalog, clock });
    const { signal } = this.closing;
    this.importer = new ArchiveImporter({ blobs, layers, adder: this.adder, platform, limits, clock, signal });
  }

  /** Makes the directory if need be, and removes what a crash has left in it. */
  static async open(options: ImageStoreOptions): Promise<ImageStore> {
    await fs.mkdir(options.directory, { recursive: true, mode: 0o700 });
    // Only their owner may go in: what is unpacked trusts that nobody else writes there.
    await fs.chmod(options.directory, 0o700);
    const store = new ImageStore(options);
    await store.blobs.open();
    await store.layers.open();
    await store.reclaimer.cleanPartials();
    await store.catalog.read();
    return store;
  }

  /**
   * Gets an image from its registry. Fetches nothing that is here; what an earlier attempt got of a layer is gone on with. `signal` gives up for this caller.
   * @returns its id
   */
  async pull(
    image: string,
    credentials?: ImageCredentials,
    progress: ImageProgress = () => undefined,
    signal?: AbortSignal,
  ): Promise<string> {
    const reference = parseReference(image);
    if (reference === undefined) throw invalidImageName(image);
    const either = signal === undefined ? this.closing.signal : AbortSignal.any([this.closing.signal, signal]);
    try {
      const resolved = await this.puller.resolve(reference, credentials, either);
      const { tag } = namesOf(reference);
      const named = namesOf({ ...reference, digest: resolved.digest });
      await this.adder.add(resolved.chain, progress, either, {
        id: resolved.id,
        tags: tag === undefined ? [] : [tag],
        digests: named.digest === undefined ? [] : [named.digest],
        blobs: resolved.blobs,
        parsed: resolved.parsed,
      });
      return resolved.id;
    } catch (error) {
      throw toPullError(formatReference(reference), error);
    }
  }

  /**
   * Takes the images of an archive: `docker save`'s, or an OCI image layout, packed or not.
   * @returns their ids
   */
  load(archive: Readable, progress: ImageProgress = () => undefined): Promise<string[]> {
    return this.importer.load(archive, progress);
  }

  /**
   * Makes an image of a root file system's archive, packed or not, as `docker import`.
   * @returns its id
   */
  import(archive: Readable, options: ImportOptions = {}): Promise<string> {
    return this.importer.import(archive, options);
  }

  /** By name, name and digest, or id. Undefined: not here, or no image's name. */
  async status(image: string): Promise<ImageStatus | undefined> {
    const found = findImage(await this.catalog.read(), image);
    return found === undefined ? undefined : statusOf(found);
  }

  async list(): Promise<readonly ImageStatus[]> {
    return (await this.catalog.read()).map(statusOf);
  }

  /**
   * What a container of the image is made of. From now on `user` (the container's id) uses the image, until `release`: its layers stay as long, whatever becomes
   * of its names.
   */
  async rootfs(image: string, user: string): Promise<RootFilesystem> {
    const now = this.options.clock.now();
    const record = await this.catalog.update(async (images) => {
      const found = findImage(images, image);
      if (found === undefined) throw new RuntimeError('image-not-found', `image "${image}": not found`);
      const users = [...new Set([...found.users, user])];
      const changed = { ...found, users, lastUsedAt: now };
      return { images: images.map((one) => (one === found ? changed : one)), result: changed };
    });
    return {
      imageId: record.id,
      layers: record.layers.map((chainId) => this.layers.directory(chainId)),
      config: record.config,
    };
  }

  /** Ends the use of whatever image by a container; does nothing if there is none. */
  async release(user: string): Promise<void> {
    const now = this.options.clock.now();
    await this.catalog.update(async (images) => {
      if (!images.some(({ users }) => users.includes(user))) return { images, result: undefined };
      const changed = images.map((image) =>
        image.users.includes(user)
          ? { ...image, users: image.users.filter((one) => one !== user), lastUsedAt: now }
          : image,
      );
      return { images: changed, result: undefined };
    });
  }

  /** Who uses images, so that a runtime that starts can release what is no more. */
  async users(): Promise<readonly string[]> {
    return [...new Set((await this.catalog.read()).flatMap(({ users }) => users))];
  }

  /** Pinned images are never collected as garbage. */
  async pin(image: string): Promise<void> {
    await this.catalog.update(async (images) => {
      const found = findImage(images, image);
      if (found === undefined) throw new RuntimeError('image-not-found', `image "${image}": not found`);
      return { images: images.map((one) => (one === found ? { ...one, isPinned: true } : one)), result: undefined };
    });
  }

  /**
   * Removes a name, and the image with its last one; an id stands for all names. Succeeds if there is none; rejects with `invalid-argument` while a container uses it.
   */
  remove(image: string): Promise<Pruned> {
    return this.reclaimer.remove(image);
  }

  /** Removes images without names that nobody uses, with `all` those with names as well, and whatever belongs to no image. */
  prune(all = false): Promise<Pruned> {
    return this.reclaimer.prune(all);
  }

  /** Removes images as the kubelet does when the disk fills up; the answer tells whether that was enough. */
  collectGarbage(policy = defaultGarbagePolicy): Promise<ImageCollection> {
    return this.reclaimer.collect(policy);
  }

  usage(): Promise<ImageUsage> {
    return this.reclaimer.usage();
  }

  /** Gives up what is under way; what is here stays. */
  async close(): Promise<void> {
    this.closing.abort(new RuntimeError('unavailable', 'the image store is closed'));
    await this.client.close();
  }
}

async function diskOf(directory: string): Promise<DiskUsage> {
  const { bsize, blocks, bavail } = await fs.statfs(directory);
  return { capacityBytes: bsize * blocks, availableBytes: bsize * bavail };
}

/** `user[:group]`: a number, or a name that only the image can translate. Nothing is root. */
function statusOf({ id, tags, digests, sizeBytes, config }: ImageRecord): ImageStatus {
  const [user = ''] = (config.user ?? '').split(':');
  const who = user === '' ? { uid: 0 } : /^\d+$/.test(user) ? { uid: Number(user) } : { username: user };
  return { id, tags, digests, sizeBytes, ...who };
}
