import { type ImageRecord } from './catalog';

export interface GarbagePolicy {
  /** Percent of the disk in use from which on images are removed, and to which: the kubelet's `imageGCHighThresholdPercent` and `…Low…`. */
  readonly highThresholdPercent: number;
  readonly lowThresholdPercent: number;
  /** Images that came here later stay (`imageMinimumGCAge`). */
  readonly minimumAgeMs: number;
}

export const defaultGarbagePolicy: GarbagePolicy = {
  highThresholdPercent: 85,
  lowThresholdPercent: 80,
  minimumAgeMs: 2 * 60_000,
};

export interface DiskUsage {
  readonly capacityBytes: number;
  readonly availableBytes: number;
}

/** How much has to go; 0 while less than the high threshold is in use. */
export function bytesToFree({ capacityBytes, availableBytes }: DiskUsage, policy: GarbagePolicy): number {
  if (capacityBytes <= 0) return 0;
  const usedPercent = 100 - Math.floor((availableBytes * 100) / capacityBytes);
  if (usedPercent < policy.highThresholdPercent) return 0;
  return Math.max(0, Math.floor((capacityBytes * (100 - policy.lowThresholdPercent)) / 100) - availableBytes);
}

/**
 * Which images the kubelet would remove, in its order: those that have not been used for longest, then those that came first. Neither pinned ones, nor those in use,
 * nor young ones.
 */
export function collectable(images: readonly ImageRecord[], minimumAgeMs: number, now: number): ImageRecord[] {
  return images
    .filter(({ isPinned, users, createdAt }) => !isPinned && users.length === 0 && now - createdAt >= minimumAgeMs)
    .sort((one, other) => one.lastUsedAt - other.lastUsedAt || one.createdAt - other.createdAt);
}

/** What only these images have: bytes of it can be freed by removing them. */
export function onlyIn(
  removed: readonly ImageRecord[],
  kept: readonly ImageRecord[],
): { readonly layers: string[]; readonly blobs: string[] } {
  const layers = new Set(kept.flatMap((image) => image.layers));
  const blobs = new Set(kept.flatMap((image) => image.blobs));
  return {
    layers: [...new Set(removed.flatMap((image) => image.layers))].filter((layer) => !layers.has(layer)),
    blobs: [...new Set(removed.flatMap((image) => image.blobs))].filter((blob) => !blobs.has(blob)),
  };
}

/** The kubelet's words for a collection that did not get far enough. */
export function notEnough(wanted: number, freed: number): string {
  return `Failed to garbage collect required amount of images. Attempted to free ${wanted} bytes, but only found ${freed} bytes eligible to free.`;
}
