import { type Checksum, crc32, crc32c } from './checksums';
import { storeErrors } from './errors';

/** Which store a file belongs to: files of two stores must never be mixed. */
export interface Identity {
  readonly clusterId: bigint;
  readonly memberId: bigint;
}

export interface FileHeader extends Identity {
  /** Log: the segment's number. Snapshot: the index of the last entry it contains. */
  readonly position: bigint;
  /** Log: index of the segment's first entry. Snapshot: the term of its last. */
  readonly detail: bigint;
  /** Log: the CRC that ends the segment before. */
  readonly previousCrc: number;
}

/** What was read. */
export interface ReadHeader extends FileHeader {
  /** Of the frames that follow. */
  readonly checksum: Checksum;
}

export type FileKind = 'log' | 'snapshot';

const MAGIC: Readonly<Record<FileKind, string>> = { log: 'NESTWAL\n', snapshot: 'NESTSNP\n' };
/**
 * Frames of a snapshot have CRC-32 since version 2: the machine's own instructions calculate it (`zlib.crc32`), five times as fast as
 * the CRC-32C that frames of the log have, which are too short for that to count.
 */
const NEWEST: Readonly<Record<FileKind, number>> = { log: 1, snapshot: 2 };
/** Magic 8, version 4, zero 4, cluster 8, member 8, position 8, detail 8, previous CRC 4, zero 8, CRC of all that 4. */
export const HEADER_BYTES = 64;
const CRC_OFFSET = HEADER_BYTES - 4;

export function encodeHeader(kind: FileKind, header: FileHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write(MAGIC[kind], 0, 'latin1');
  bytes.writeUInt32LE(NEWEST[kind], 8);
  bytes.writeBigUInt64LE(header.clusterId, 16);
  bytes.writeBigUInt64LE(header.memberId, 24);
  bytes.writeBigUInt64LE(header.position, 32);
  bytes.writeBigUInt64LE(header.detail, 40);
  bytes.writeUInt32LE(header.previousCrc, 48);
  bytes.writeUInt32LE(crc32c(bytes, 0, CRC_OFFSET), CRC_OFFSET);
  return bytes;
}

/** The CRC from which the file's first frame continues, and the salt of all: a header encoded is unlike any other. */
export function headerCrc(bytes: Buffer): number {
  return bytes.readUInt32LE(CRC_OFFSET);
}

export function decodeHeader(kind: FileKind, file: string, bytes: Buffer): ReadHeader {
  if (bytes.length < HEADER_BYTES) throw storeErrors.corrupt(file, bytes.length, 'the header is cut off');
  if (bytes.toString('latin1', 0, 8) !== MAGIC[kind]) throw storeErrors.corrupt(file, 0, `this is not a ${kind} file`);
  if (crc32c(bytes, 0, CRC_OFFSET) !== headerCrc(bytes)) {
    throw storeErrors.corrupt(file, CRC_OFFSET, 'the checksum of the header does not match');
  }
  const version = bytes.readUInt32LE(8);
  if (version < 1 || version > NEWEST[kind])
    throw storeErrors.corrupt(file, 8, `format version ${version} is not known, only ${NEWEST[kind]} and older`);
  return {
    checksum: version === 1 ? crc32c : crc32,
    clusterId: bytes.readBigUInt64LE(16),
    memberId: bytes.readBigUInt64LE(24),
    position: bytes.readBigUInt64LE(32),
    detail: bytes.readBigUInt64LE(40),
    previousCrc: bytes.readUInt32LE(48),
  };
}

export function checkIdentity(file: string, expected: Identity, actual: Identity): void {
  if (expected.clusterId === actual.clusterId && expected.memberId === actual.memberId) return;
  throw storeErrors.corrupt(file, 16, 'it belongs to another store (cluster or member id differ)');
}
