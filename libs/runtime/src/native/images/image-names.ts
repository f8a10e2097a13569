import { type ImageRecord } from './catalog';
import { formatReference, parseReference, type Reference, repositoryOf } from './registry/reference';

/** The image that a reference, or an id (whole, or at least its first 12 digits), means among those that are here. */
export function findImage(images: readonly ImageRecord[], image: string): ImageRecord | undefined {
  const [, hex] = /^(?:sha256:)?([0-9a-f]{12,64})$/.exec(image) ?? [];
  if (hex !== undefined) {
    const found = images.filter(({ id }) => id.startsWith(`sha256:${hex}`));
    if (found.length === 1) return found[0];
  }
  const reference = parseReference(image);
  if (reference === undefined) return undefined;
  const { tag, digest } = namesOf(reference);
  return images.find(({ tags, digests }) =>
    digest === undefined ? tags.includes(tag ?? '') : digests.includes(digest),
  );
}

/** The names by which an image is listed: with a digest the tag says nothing any more. */
export function namesOf(reference: Reference): { readonly tag?: string; readonly digest?: string } {
  if (reference.digest !== undefined) return { digest: `${repositoryOf(reference)}@${reference.digest}` };
  return { tag: formatReference(reference) };
}

/** Adds an image to those that are here, or what is new about it; its names are no longer those of others. */
export function withImage(images: readonly ImageRecord[], added: ImageRecord): ImageRecord[] {
  const existing = images.find(({ id }) => id === added.id);
  const others = images.filter(({ id }) => id !== added.id).map((image) => withoutTags(image, added.tags));
  if (existing === undefined) return [...others, added];
  const union = (one: readonly string[], other: readonly string[]): string[] => [...new Set([...one, ...other])];
  return [
    ...others,
    {
      ...existing,
      tags: union(existing.tags, added.tags),
      digests: union(existing.digests, added.digests),
      blobs: union(existing.blobs, added.blobs),
      isPinned: existing.isPinned || added.isPinned,
    },
  ];
}

/** What was pinned for its names is not worth it without them. */
function withoutTags(image: ImageRecord, taken: readonly string[]): ImageRecord {
  const tags = image.tags.filter((tag) => !taken.includes(tag));
  if (tags.length === image.tags.length) return image;
  return { ...image, tags, isPinned: image.isPinned && tags.length > 0 };
}

/** Takes a name from an image; undefined when none is left that somebody would use. */
export function withoutName(image: ImageRecord, name: string): ImageRecord | undefined {
  const reference = parseReference(name);
  // An id means the image with all of its names.
  if (reference === undefined || !isName(image, reference)) return undefined;
  const { tag, digest } = namesOf(reference);
  const left = {
    ...image,
    tags: image.tags.filter((one) => one !== tag),
    digests: image.digests.filter((one) => one !== digest),
  };
  // Without its last tag an image goes, as Docker has it, though it still has the digest under which it was pulled.
  const isUntagged = digest === undefined ? left.tags.length === 0 : left.tags.length + left.digests.length === 0;
  return isUntagged ? undefined : left;
}

function isName({ tags, digests }: ImageRecord, reference: Reference): boolean {
  const { tag, digest } = namesOf(reference);
  return digest === undefined ? tags.includes(tag ?? '') : digests.includes(digest);
}
