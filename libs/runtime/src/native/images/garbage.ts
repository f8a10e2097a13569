import { type DiskUsage, type GarbagePolicy } from '../../container-runtime';
import { type ImageRecord } from './catalog';

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
