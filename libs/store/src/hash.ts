import { ByteWriter } from './byte-writer';
import { crc32c } from './checksums';
import { type Tree } from './mvcc/keyspace';
import { type Version } from './mvcc/version';

/** Between two turns of the event loop: a few milliseconds. */
const SLICE_BYTES = 1024 * 1024;
/** What a version costs besides its bytes. */
const VERSION_BYTES = 256;

export interface HashRange {
  /** Versions up to here count. */
  readonly revision: number;
  /** -1: never compacted. Of versions up to here the newest of a key counts, as a reader at that revision sees it. */
  readonly compactRevision: number;
}

/**
 * CRC-32C over every version that can be read or watched in the range, by key and age: the same on all members that have applied the same,
 * however far each has come with letting go of what was compacted. Compaction has to be held meanwhile.
 *
 * @param seed the hash of something else to go on from
 */
export async function hashKeys(tree: Tree, range: HashRange, seed = 0): Promise<number> {
  const writer = new ByteWriter();
  let hash = seed;
  let bytes = 0;
  for (const [, head] of tree.entries()) {
    for (let version: Version | undefined = head; version !== undefined; version = version.previous) {
      const { modRevision } = version;
      if (modRevision > range.revision) continue;
      const isOldest = modRevision <= range.compactRevision;
      if (isOldest && version.isTombstone && modRevision < range.compactRevision) break;
      hash = addVersion(writer, version, hash);
      bytes += writer.length + VERSION_BYTES;
      if (bytes > SLICE_BYTES) {
        bytes = 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (isOldest) break;
    }
  }
  return hash;
}

function addVersion(writer: ByteWriter, version: Version, seed: number): number {
  writer.reset();
  writer.key(version.key);
  version.write(writer);
  return crc32c(writer.view(), 0, writer.length, seed);
}
