import crypto from 'node:crypto';
import path from 'node:path';
import { type Clock } from '#machinery';
import { type Logger, type Registry } from '#telemetry';
import { type LocalStore } from './administration';
import { type FileSystem, nodeFileSystem } from './files';
import { StoreError } from './key-value-store';
import { type ClusterOptions } from './replication/bootstrap';
import { type ClusterAdministration } from './replication/cluster-administration';
import { openMember } from './replication/open-member';

export interface DiskStoreOptions {
  /** Made if it is missing, with mode 0700. One process at a time, which is for the caller to see to. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger?: Logger;
  /** Where the store measures itself, by etcd's names; one store a registry. */
  readonly metrics?: Registry;
  /** Size of a log segment, preallocated. */
  readonly segmentBytes?: number;
  /** How much log is written before a snapshot replaces it. */
  readonly snapshotEveryBytes?: number;
  /** What one request may take, with all that is around its keys and values; etcd's `--max-request-bytes`. Default 1.5 MiB. */
  readonly maxRequestBytes?: number;
  /** Bytes of keys and values at which writes that grow are refused, until there is room; etcd's `--quota-backend-bytes`. Default 2 GiB. */
  readonly quotaBytes?: number;
  /** Called once, when the store has ended by itself: its disk has failed, or it was removed from its cluster. */
  readonly onFailure?: (error: StoreError) => void;
  /** Where files are; the machine's own by default. */
  readonly files?: FileSystem;
  /** Absent: a store of one member, which nobody can join. */
  readonly cluster?: ClusterOptions;
  /** [0, 1). Default: the machine's. */
  readonly random?: () => number;
}

export interface DiskStore extends LocalStore {
  readonly cluster: ClusterAdministration;
  /** Takes a snapshot now and lets go of the log before it. Resolves when that is done, or has failed and was logged. */
  snapshot(): Promise<void>;
}

/** Directories in use by this process: a second store on one would ruin both. */
const openDirectories = new Set<string>();

/**
 * Opens the store kept in a directory, or begins one. A store of one member can be used, and has everything acknowledged before, when
 * this resolves; a member of several finds its leader in time. Rejects with `StoreError` `corrupt`, naming file and offset, rather than
 * start with a hole in history.
 */
export async function openStore(options: DiskStoreOptions): Promise<DiskStore> {
  const directory = path.resolve(options.directory);
  if (openDirectories.has(directory)) {
    throw new StoreError('unavailable', `the store in ${directory} is already open in this process`);
  }
  openDirectories.add(directory);
  const release = (): void => void openDirectories.delete(directory);
  try {
    const { files = nodeFileSystem, random = machineRandom } = options;
    return await openMember({ ...options, files, random, directory }, release);
  } catch (error) {
    release();
    throw error;
  }
}

function machineRandom(): number {
  return crypto.randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
}
