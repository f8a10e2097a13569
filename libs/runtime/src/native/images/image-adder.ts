import { type Clock } from '#machinery';
import { type Catalog, type ImageRecord } from './catalog';
import { type ParsedConfig } from './image-config';
import { withImage } from './image-names';
import { type ChainLayer, type LayerProgress, LayersChangedError, type LayerStore } from './layers/layer-store';

export type ImageProgress = (progress: LayerProgress) => void;

/** An image that somebody else removed while it was being made is made again so many times. */
const mostAttempts = 3;

interface Parts {
  readonly layers: LayerStore;
  readonly catalog: Catalog;
  readonly clock: Clock;
}

/** Makes an image of what has been fetched or read: first its layers, then its entry, so that what is listed is whole. */
export class ImageAdder {
  constructor(private readonly parts: Parts) {}

  async add(
    chain: readonly ChainLayer[],
    progress: ImageProgress,
    signal: AbortSignal,
    { parsed, ...names }: Pick<ImageRecord, 'id' | 'tags' | 'digests' | 'blobs'> & { readonly parsed: ParsedConfig },
  ): Promise<void> {
    const { layers: store, catalog, clock } = this.parts;
    const layers = chain.map(({ chainId }) => chainId);
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      try {
        await store.ensure(chain, { signal, progress });
      } catch (error) {
        if (error instanceof LayersChangedError) continue;
        throw error;
      }
      const isComplete = await catalog.update(async (images) => {
        const sizes = await Promise.all(layers.map((layer) => store.size(layer)));
        // Removed meanwhile, by a process that could not know that they are wanted.
        if (sizes.includes(undefined)) return { images, result: false };
        const now = clock.now();
        const added: ImageRecord = {
          ...names,
          layers,
          config: parsed.config,
          sizeBytes: sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0),
          createdAt: now,
          lastUsedAt: now,
          isPinned: false,
          users: [],
        };
        return { images: withImage(images, added), result: true };
      });
      if (isComplete) return;
    }
    throw new LayersChangedError();
  }
}
