import crypto from 'node:crypto';
import { storeErrors } from '../errors';
import { type FileSystem, type StoreFile } from '../files';
import { HEADER_BYTES } from '../file-header';
import { DIGEST_BYTES, SECTOR_BYTES } from './snapshot-file';
import { type LoadedSnapshot, loadSnapshot } from './load-snapshot';

const STEP_BYTES = 1024 * 1024;
/** Where a page of bbolt, etcd's own format, has its magic number. */
const BOLT_MAGIC = { offset: 16, value: 0xed0cdaed };

export interface SnapshotArchive extends LoadedSnapshot {
  /** SHA-256 of what was read: tells snapshots apart. */
  readonly digest: Buffer;
}

/**
 * Reads a snapshot that was given away: a snapshot file, and the digest of it in the last 32 bytes.
 *
 * @param isBare it has no digest, as a file that was copied out of a member's directory; its own checksums have to do
 * @throws StoreError `corrupt`, which says what is wrong with it
 */
export async function readSnapshotArchive(files: FileSystem, name: string, isBare = false): Promise<SnapshotArchive> {
  const file = await files.open(name, 'read');
  let digest: Buffer;
  let end: number;
  try {
    const size = await file.size();
    await checkFormat(file, name, size);
    end = isBare ? size : size - DIGEST_BYTES;
    if (!isBare && end % SECTOR_BYTES !== 0) {
      throw storeErrors.corrupt(name, size, 'it is cut off, or has no digest at its end as a saved snapshot has');
    }
    digest = await digestOf(file, end);
    if (!isBare && !digest.equals(await file.read(end, DIGEST_BYTES))) {
      throw storeErrors.corrupt(name, end, 'its SHA-256 is not the one that it ends with: something in it was changed');
    }
  } finally {
    await file.close();
  }
  return { ...(await loadSnapshot(files, name, end)), digest };
}

/** The commonest mistakes have answers of their own. */
async function checkFormat(file: StoreFile, name: string, size: number): Promise<void> {
  if (size === 0) throw storeErrors.corrupt(name, 0, 'it is empty');
  const head = await file.read(0, HEADER_BYTES);
  const { offset, value } = BOLT_MAGIC;
  if (head.length >= offset + 4 && head.readUInt32LE(offset) === value) {
    throw storeErrors.corrupt(name, offset, 'this is a snapshot of etcd itself, which only etcdctl can read');
  }
}

async function digestOf(file: StoreFile, end: number): Promise<Buffer> {
  const hash = crypto.createHash('sha256');
  for (let position = 0; position < end; position += STEP_BYTES) {
    hash.update(await file.read(position, Math.min(STEP_BYTES, end - position)));
  }
  return hash.digest();
}
