import crypto from 'node:crypto';
import path from 'node:path';
import { type Clock } from '#machinery';
import { type Logger } from '#telemetry';
import { type LocalStore } from './administration';
import { decodeCommand } from './command-codec';
import { type CommitLog } from './commit-log';
import { storeErrors } from './errors';
import { type FileSystem, nodeFileSystem } from './files';
import { checkIdentity, type Identity } from './file-header';
import { StoreError } from './key-value-store';
import { randomLeaseId } from './memory-store';
import { ReplicatedStore } from './replicated-store';
import { listSnapshots } from './snapshot/snapshot-file';
import { loadSnapshot } from './snapshot/load-snapshot';
import { Snapshotter } from './snapshot/snapshotter';
import { StateMachine } from './state-machine';
import { recoverLog } from './wal/recover';
import { Wal } from './wal/wal';

export interface DiskStoreOptions {
  /** Made if it is missing, with mode 0700. One process at a time, which is for the caller to see to. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger?: Logger;
  /** Size of a log segment, preallocated. */
  readonly segmentBytes?: number;
  /** How much log is written before a snapshot replaces it. */
  readonly snapshotEveryBytes?: number;
  /** What keys and values of one request may take together; etcd's `--max-request-bytes`. Default 1.5 MiB. */
  readonly maxRequestBytes?: number;
  /** Bytes of keys and values at which writes that grow are refused, until there is room; etcd's `--quota-backend-bytes`. Default 2 GiB. */
  readonly quotaBytes?: number;
  /** Where files are; the machine's own by default. */
  readonly files?: FileSystem;
}

export interface DiskStore extends LocalStore {
  /** Takes a snapshot now and lets go of the log before it. Resolves when that is done, or has failed and was logged. */
  snapshot(): Promise<void>;
}

const DEFAULT_SEGMENT_BYTES = 16 * 1024 * 1024;
const DEFAULT_SNAPSHOT_BYTES = 32 * 1024 * 1024;

/** Directories in use by this process: a second store on one would ruin both. */
const openDirectories = new Set<string>();

/**
 * Opens the store kept in a directory, or begins one. Resolves when everything acknowledged before is readable.
 * Rejects with `StoreError` `corrupt`, naming file and offset, rather than start with a hole in history.
 */
export async function openStore(options: DiskStoreOptions): Promise<DiskStore> {
  const directory = path.resolve(options.directory);
  if (openDirectories.has(directory)) {
    throw new StoreError('unavailable', `the store in ${directory} is already open in this process`);
  }
  openDirectories.add(directory);
  try {
    return await recover(directory, options, () => openDirectories.delete(directory));
  } catch (error) {
    openDirectories.delete(directory);
    throw error;
  }
}

async function recover(directory: string, options: DiskStoreOptions, onClosed: () => void): Promise<DiskStore> {
  const { files = nodeFileSystem, clock, logger, segmentBytes = DEFAULT_SEGMENT_BYTES } = options;
  const walDirectory = path.join(directory, 'wal');
  const snapshotDirectory = path.join(directory, 'snapshot');
  for (const each of [directory, walDirectory, snapshotDirectory]) await files.makeDirectory(each);

  const newest = (await listSnapshots(files, snapshotDirectory)).at(-1);
  const loaded = newest === undefined ? undefined : await loadSnapshot(files, newest.file);
  const machine = loaded?.machine ?? new StateMachine();
  let logBytes = 0;
  const log = await recoverLog(files, walDirectory, machine.appliedIndex, (entry, file, offset) => {
    logBytes += entry.data.length;
    try {
      machine.apply(entry.index, entry.term, decodeCommand(entry.data));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw storeErrors.corrupt(file, offset, `entry ${entry.index} cannot be applied: ${reason}`);
    }
  });
  if (log.mark !== undefined && log.mark.index > (newest?.index ?? 0)) {
    throw storeErrors.corrupt(snapshotDirectory, 0, `the snapshot of entry ${log.mark.index} is missing`);
  }
  if (newest !== undefined && loaded !== undefined && log.identity !== undefined) {
    checkIdentity(newest.file, log.identity, loaded.identity);
  }

  const identity = log.identity ?? newIdentity();
  const wal = await Wal.open(
    { files, directory: walDirectory, identity, segmentBytes, logger },
    log,
    Math.max(log.lastIndex, machine.appliedIndex),
  );
  const commitLog: CommitLog = {
    async append(entries) {
      return { firstIndex: await wal.append(entries), term: wal.term };
    },
    async close() {
      await snapshotter.stop();
      await wal.close().finally(onClosed);
    },
  };
  const store = new ReplicatedStore({
    clock,
    log: commitLog,
    machine,
    identity: { clusterId: identity.clusterId, memberId: identity.memberId },
    newLeaseId: randomLeaseId,
    logger,
    maxRequestBytes: options.maxRequestBytes,
    quotaBytes: options.quotaBytes,
    onBatch: (bytes) => snapshotter.grew(bytes),
  });
  const snapshotter = new Snapshotter(
    {
      files,
      directory: snapshotDirectory,
      identity,
      machine,
      everyBytes: options.snapshotEveryBytes ?? DEFAULT_SNAPSHOT_BYTES,
      logger,
    },
    { logBytes, snapshotBytes: loaded?.bytes ?? 0 },
    () => store.holdCompaction(),
    (mark) => wal.mark(mark),
  );
  return Object.assign(store, { snapshot: () => snapshotter.snapshot() });
}

function newIdentity(): Identity {
  const id = (): bigint => crypto.randomBytes(8).readBigUInt64LE() | 1n;
  return { clusterId: id(), memberId: id() };
}
