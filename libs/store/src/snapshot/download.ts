import crypto from 'node:crypto';
import { type Identity } from '../file-header';
import { DIGEST_BYTES, SECTOR_BYTES } from './snapshot-file';
import { type Picture, snapshotSections } from './snapshot-sections';

/** A snapshot on its way to somebody. */
export interface SnapshotDownload {
  /** Of all chunks together. */
  readonly bytes: number;
  /** A snapshot file, zeros up to the next multiple of 512, and the SHA-256 of all that. */
  readonly chunks: Iterable<Buffer>;
  /** Has to be called in the end: compaction rests until then. */
  close(): void;
}

/** @param release called when the picture is not needed any more */
export async function downloadSnapshot(
  identity: Identity,
  picture: Picture,
  release: () => void,
): Promise<SnapshotDownload> {
  let bytes = 0;
  try {
    for (const section of snapshotSections(identity, picture)) {
      bytes += section.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    release();
    throw error;
  }
  const padding = (SECTOR_BYTES - (bytes % SECTOR_BYTES)) % SECTOR_BYTES;
  const digest = crypto.createHash('sha256');
  function* chunks(): Generator<Buffer> {
    for (const section of snapshotSections(identity, picture)) {
      digest.update(section);
      yield Buffer.from(section);
    }
    const zeros = Buffer.alloc(padding);
    digest.update(zeros);
    if (padding > 0) yield zeros;
    yield digest.digest();
  }
  let isOpen = true;
  const close = (): void => {
    if (isOpen) release();
    isOpen = false;
  };
  return { bytes: bytes + padding + DIGEST_BYTES, chunks: chunks(), close };
}
