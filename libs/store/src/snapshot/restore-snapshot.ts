import crypto from 'node:crypto';
import path from 'node:path';
import { storeErrors } from '../errors';
import { type FileSystem, nodeFileSystem } from '../files';
import { type Identity } from '../file-header';
import { type Keyspace } from '../mvcc/keyspace';
import { type ClusterOptions, foundingIdentity, foundingMembers } from '../replication/bootstrap';
import { type Member, Membership } from '../replication/membership';
import { Wal } from '../wal/wal';
import { readSnapshotArchive } from './snapshot-archive';
import { takePicture } from './snapshot-sections';
import { writeSnapshot } from './write-snapshot';

/**
 * What revisions move on by at a restore, as etcd advises: more than a store writes between a snapshot and the day it is needed (a
 * thousand writes a second for eleven days), and nothing to the 2^53 that there are.
 */
export const DEFAULT_REVISION_BUMP = 1_000_000_000;

export interface RestoreOptions {
  readonly file: string;
  /** Made; refused if it has a store already. */
  readonly directory: string;
  /** Who begins the new cluster, each with the same snapshot. Absent: a store of one member, which others can join later. */
  readonly cluster?: Pick<ClusterOptions, 'peerUrls' | 'initialCluster' | 'token'>;
  /** Default `DEFAULT_REVISION_BUMP`. 0: clients that saw what came after the snapshot see time go back. */
  readonly revisionBump?: number;
  /** The file has no digest at its end. */
  readonly isBare?: boolean;
  readonly files?: FileSystem;
}

export interface RestoredMember extends Identity {
  readonly revision: number;
  readonly members: readonly Member[];
}

const SEGMENT_BYTES = 64 * 1024;

/**
 * Makes the directory of a member of a new cluster, which begins with what is in a snapshot. Members restored from different snapshots, or
 * with different bumps, are of different clusters and do not talk to each other.
 *
 * Revisions move on, and history is compacted: whoever watches from a revision of the old cluster hears that it is gone, and
 * reads everything anew, instead of missing what takes the old numbers once more.
 *
 * @throws StoreError `corrupt` of a damaged snapshot, `invalid-argument` of options that make no sense
 */
export async function restoreSnapshot(options: RestoreOptions): Promise<RestoredMember> {
  const { file, directory, cluster, revisionBump = DEFAULT_REVISION_BUMP, files = nodeFileSystem } = options;
  if (!Number.isSafeInteger(revisionBump) || revisionBump < 0) {
    throw storeErrors.invalid('the bump of the revision has to be a whole number that is not negative');
  }
  const { machine, digest } = await readSnapshotArchive(files, file, options.isBare);
  const { identity, members } = newCluster(cluster, digest, revisionBump);
  machine.membership = new Membership();
  for (const member of members) machine.membership.apply({ type: 'add', member });
  bump(machine.keyspace, revisionBump);

  const directories = { wal: path.join(directory, 'wal'), snapshot: path.join(directory, 'snapshot') };
  for (const each of [directory, directories.wal, directories.snapshot]) await files.makeDirectory(each);
  for (const each of [directories.wal, directories.snapshot]) {
    if ((await files.list(each)).length > 0) throw storeErrors.invalid(`${directory} has a store already`);
  }
  const { appliedIndex: index, appliedTerm: term } = machine;
  await writeSnapshot(files, directories.snapshot, identity, takePicture(machine), () => false);
  // Without a log a snapshot is a member that has lost it, so the log is the last to come.
  const hardState = { term, vote: 0n, commit: index };
  const empty = { segments: [], last: undefined, identity: undefined, mark: undefined, tail: [] };
  const wal = await Wal.open(
    { files, directory: directories.wal, identity, segmentBytes: SEGMENT_BYTES },
    { ...empty, hardState, lastIndex: index },
  );
  try {
    await wal.save({ snapshot: { index, term }, entries: [], hardState });
  } finally {
    await wal.close(index);
  }
  for (const each of [directory, path.dirname(directory)]) await files.syncDirectory(each);
  return { ...identity, revision: machine.keyspace.revision, members };
}

function newCluster(
  cluster: RestoreOptions['cluster'],
  digest: Buffer,
  revisionBump: number,
): { identity: Identity; members: Member[] } {
  if (cluster === undefined) {
    const memberId = randomId();
    const member = { id: memberId, name: '', peerUrls: [], clientUrls: [], isLearner: false };
    return { identity: { clusterId: randomId(), memberId }, members: [member] };
  }
  const members = foundingMembers(cluster);
  const { clusterId, memberId } = foundingIdentity(cluster, members);
  const hash = crypto.createHash('sha256').update(`${clusterId} ${revisionBump} `).update(digest).digest();
  return { identity: { clusterId: hash.readBigUInt64BE() | 1n, memberId }, members };
}

function bump(keyspace: Keyspace, by: number): void {
  if (by === 0) return;
  if (!Number.isSafeInteger(keyspace.revision + by)) throw storeErrors.invalid('no such revision can be counted');
  keyspace.revision += by;
  keyspace.compact(keyspace.revision);
  while (!keyspace.releaseSlice());
}

function randomId(): bigint {
  return crypto.randomBytes(8).readBigUInt64LE() | 1n;
}
