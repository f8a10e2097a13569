import { type FileSystem, nodeFileSystem } from '../files';
import { hashKeys } from '../hash';
import { readSnapshotArchive } from './snapshot-archive';

/** What is in a snapshot. */
export interface SnapshotStatus {
  readonly revision: number;
  /** -1: never compacted. */
  readonly compactRevision: number;
  /** That exist at its revision. */
  readonly keys: number;
  /** Of the file. */
  readonly bytes: number;
  /** What members that have come as far answer to `HashKV` of that revision. */
  readonly hash: number;
  /** Names, or peer URLs, of the members of its cluster; none: a store of one member that nobody can join. */
  readonly members: readonly string[];
}

/**
 * Reads a saved snapshot from its first byte to its last.
 *
 * @param options.isBare it has no digest at its end, as a file out of a member's directory
 * @throws StoreError `corrupt`, which says what is wrong with it; whatever the file system fails with
 */
export async function snapshotStatus(
  file: string,
  { files = nodeFileSystem, isBare }: { readonly files?: FileSystem; readonly isBare?: boolean } = {},
): Promise<SnapshotStatus> {
  const { machine, bytes } = await readSnapshotArchive(files, file, isBare);
  const { revision, compactRevision } = machine.keyspace;
  return {
    revision,
    compactRevision,
    keys: machine.keyspace.currentIn({ key: '\0', rangeEnd: '\0' }).length,
    bytes,
    hash: await hashKeys(machine.keyspace.picture(), { revision, compactRevision }),
    members: machine.membership
      .list()
      .map(({ name, peerUrls }) => (name === '' ? peerUrls.join(',') : name))
      .filter((name) => name !== ''),
  };
}
