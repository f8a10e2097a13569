import fs from 'node:fs/promises';
import { type Readable } from 'node:stream';
import { type Clock } from '#machinery';
import { RuntimeError } from '../../../container-runtime';
import { type BlobStore } from '../content/blob-store';
import { chainIds, digestOf } from '../content/digest';
import { invalidImageName } from '../errors';
import { type ImageAdder, type ImageProgress } from '../image-adder';
import { parseConfig, type ParsedConfig } from '../image-config';
import { type ChainLayer, type LayerStore } from '../layers/layer-store';
import { diffIdOf } from '../layers/unpack';
import { type ImageLimits } from '../options';
import { type Platform } from '../registry/platform';
import { formatReference, parseReference } from '../registry/reference';
import { archivedImages, configOf } from './image-archive';
import { Spool, store } from './spool';

export interface ImportOptions {
  readonly reference?: string;
  /** Of the image's configuration, in Docker's words: `Cmd`, `Env` … */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly progress?: ImageProgress;
}

interface Parts {
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly adder: ImageAdder;
  readonly platform: Platform;
  readonly limits: ImageLimits;
  readonly clock: Clock;
  /** Gives up what is under way. */
  readonly signal: AbortSignal;
}

/** Makes images of archives (`nestor image load`, `nestor image import`). */
export class ArchiveImporter {
  constructor(private readonly parts: Parts) {}

  /**
   * Takes the images of an archive: `docker save`'s, or an OCI image layout, packed or not.
   * @returns their ids
   */
  async load(archive: Readable, progress: ImageProgress = () => undefined): Promise<string[]> {
    const { blobs, layers, adder, platform, limits, signal } = this.parts;
    return archived('load', archive, async () => {
      const directory = layers.newTemporary('load');
      try {
        const spool = await Spool.read(archive as AsyncIterable<Buffer>, directory, limits, reading(progress));
        const ids: string[] = [];
        for (const { tags, config, layers: files } of await archivedImages(spool, platform)) {
          const parsed = parseConfig(config);
          if (parsed.diffIds.length !== files.length) throw new Error('mismatched image rootfs and manifest layers');
          const chain = localChain(parsed, files);
          const id = digestOf(config);
          await blobs.write(config, id);
          await adder.add(chain, progress, signal, { id, tags, digests: [], blobs: [id], parsed });
          ids.push(id);
        }
        return ids;
      } finally {
        await fs.rm(directory, { recursive: true, force: true });
      }
    });
  }

  /**
   * Makes an image of a root file system's archive, packed or not, as `docker import`.
   * @returns its id
   */
  async import(
    archive: Readable,
    { reference: name, config = {}, progress = () => undefined }: ImportOptions = {},
  ): Promise<string> {
    const reference = name === undefined ? undefined : parseReference(name);
    if (name !== undefined && (reference === undefined || reference.digest !== undefined)) throw invalidImageName(name);
    const { blobs, layers, adder, platform, limits, clock, signal } = this.parts;
    return archived('import', archive, async () => {
      const file = layers.newTemporary('import');
      try {
        const spooled = await store(file, archive as AsyncIterable<Buffer>);
        const diffId = await diffIdOf(file, limits);
        const { body, id } = configOf(diffId, platform, config, new Date(clock.now()).toISOString());
        await blobs.write(body, id);
        const parsed = parseConfig(body);
        const tags = reference === undefined ? [] : [formatReference(reference)];
        const added = { id, tags, digests: [], blobs: [id], parsed };
        await adder.add(localChain(parsed, [spooled]), progress, signal, added);
        return id;
      } finally {
        await fs.rm(file, { force: true });
      }
    });
  }
}

async function archived<T>(what: string, archive: Readable, work: () => Promise<T>): Promise<T> {
  // An archive that breaks before it is read is told by the reading; without a listener it would end the process.
  archive.on('error', () => undefined);
  try {
    return await work();
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new RuntimeError('pull-failed', `failed to ${what} the archive: ${message}`);
  }
}

function localChain({ diffIds }: ParsedConfig, files: readonly { path: string; size: number }[]): ChainLayer[] {
  const chain = chainIds(diffIds);
  return diffIds.map((diffId, index) => ({
    diffId,
    chainId: chain[index] ?? '',
    archive: async () => files[index] ?? { path: '', size: 0 },
  }));
}

function reading(progress: ImageProgress): (bytes: number) => void {
  return (current) => progress({ layer: '', phase: 'reading', current, total: 0 });
}
