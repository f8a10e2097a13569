import { type Clock } from '#machinery';
import { type DiskUsage, type GarbagePolicy, type ImageCollection, RuntimeError } from '../../container-runtime';
import { type Catalog, type ImageRecord } from './catalog';
import { type BlobStore } from './content/blob-store';
import { bytesToFree, collectable, onlyIn } from './garbage';
import { findImage, withoutName } from './image-names';
import { type LayerStore } from './layers/layer-store';

/** A partial download may be gone on with for so long. */
const partialLifetimeMs = 24 * 3_600_000;
/** What belongs to no image and is younger may be of a pull that is under way, in this process or another. */
const orphanAgeMs = 3_600_000;

export interface Pruned {
  /** Images that are no more, by id. */
  readonly images: readonly string[];
  readonly freedBytes: number;
}

/** Bytes. */
export interface ImageUsage extends DiskUsage {
  readonly images: number;
  /** Unpacked layers, packed ones with the descriptions, and what there is of downloads that have not ended. */
  readonly layerBytes: number;
  readonly blobBytes: number;
  readonly partialBytes: number;
}

export interface ReclaimerOptions {
  readonly clock: Clock;
  /** Of the file system of everything. */
  readonly disk: () => Promise<DiskUsage>;
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
}

/** Removes images, and what no image needs. */
export class Reclaimer {
  constructor(private readonly options: ReclaimerOptions) {}

  async cleanPartials(): Promise<number> {
    return this.options.blobs.cleanPartials(this.options.clock.now() - partialLifetimeMs);
  }

  remove(name: string): Promise<Pruned> {
    return this.removeImages((images) => {
      const found = findImage(images, name);
      if (found === undefined) return images;
      const left = withoutName(found, name);
      if (left !== undefined) return images.map((image) => (image === found ? left : image));
      const [user] = found.users;
      if (user !== undefined) {
        throw new RuntimeError('invalid-argument', `image "${name}" is in use by container ${user}`);
      }
      return images.filter((image) => image !== found);
    });
  }

  async prune(all: boolean): Promise<Pruned> {
    const isWanted = ({ users, isPinned, tags, digests }: ImageRecord): boolean =>
      users.length > 0 || isPinned || (!all && tags.length + digests.length > 0);
    const removed = await this.removeImages((images) => images.filter(isWanted));
    return { images: removed.images, freedBytes: removed.freedBytes + (await this.sweep()) };
  }

  /** Unless somebody begins to use it meanwhile, what is removed is what the policy says; what no image needs goes first. */
  async collect(policy: GarbagePolicy): Promise<ImageCollection> {
    const disk = await this.options.disk();
    const wanted = bytesToFree(disk, policy);
    if (wanted === 0) return { disk, wantedBytes: 0, freedBytes: 0, images: [] };
    let freed = await this.sweep();
    const gone: string[] = [];
    const candidates = collectable(await this.options.catalog.read(), policy.minimumAgeMs, this.options.clock.now());
    for (const { id } of candidates) {
      if (freed >= wanted) break;
      // Looked at again: somebody may have begun to use it.
      const removed = await this.removeImages((images) =>
        images.filter((image) => image.id !== id || image.users.length > 0),
      );
      gone.push(...removed.images);
      freed += removed.freedBytes;
    }
    return { disk, wantedBytes: wanted, freedBytes: freed, images: gone };
  }

  async usage(): Promise<ImageUsage> {
    const { catalog, layers, blobs } = this.options;
    const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
    return {
      images: (await catalog.read()).length,
      layerBytes: sum((await layers.list()).map(({ bytes }) => bytes)),
      blobBytes: sum((await blobs.list()).map(({ size }) => size)),
      partialBytes: await blobs.partialBytes(),
      ...(await this.options.disk()),
    };
  }

  /** Removes what belongs to no image, and is old enough that nobody can be about to need it. */
  private async sweep(): Promise<number> {
    const { catalog, layers, blobs, clock } = this.options;
    const before = clock.now() - orphanAgeMs;
    let freed = await this.cleanPartials();
    await catalog.update(async (images) => {
      const known = onlyIn(images, []);
      for (const { chainId, bytes, modifiedAt } of await layers.list()) {
        if (known.layers.includes(chainId) || modifiedAt > before) continue;
        await layers.trash(chainId);
        freed += bytes;
      }
      for (const { digest, size, modifiedAt } of await blobs.list()) {
        if (known.blobs.includes(digest) || modifiedAt > before) continue;
        await blobs.remove(digest);
        freed += size;
      }
      return { images, result: undefined };
    });
    await layers.emptyTrash();
    return freed;
  }

  /** Removes the images that `select` leaves out, with what only they need. */
  private async removeImages(select: (images: readonly ImageRecord[]) => readonly ImageRecord[]): Promise<Pruned> {
    const { catalog, layers, blobs } = this.options;
    const removed = await catalog.update(async (images) => {
      const kept = select(images);
      const ids = new Set(kept.map(({ id }) => id));
      const gone = images.filter(({ id }) => !ids.has(id));
      const result = { images: gone.map(({ id }) => id), ...onlyIn(gone, kept) };
      return {
        images: kept.length === images.length && kept.every((image, at) => image === images[at]) ? images : kept,
        result,
      };
    });
    // After the catalog: a crash here leaves what belongs to nobody, and not images without layers.
    let freedBytes = 0;
    await catalog.update(async (images) => {
      // Somebody may have pulled them again.
      const needed = onlyIn(images, []);
      for (const layer of removed.layers.filter((one) => !needed.layers.includes(one))) {
        freedBytes += (await layers.size(layer)) ?? 0;
        await layers.trash(layer);
      }
      for (const blob of removed.blobs.filter((one) => !needed.blobs.includes(one))) {
        freedBytes += (await blobs.size(blob)) ?? 0;
        await blobs.remove(blob);
      }
      return { images, result: undefined };
    });
    await layers.emptyTrash();
    return { images: removed.images, freedBytes };
  }
}
