import path from 'node:path';
import { type Logger } from '#telemetry';
import { storeErrors } from '../errors';
import { type FileSystem } from '../files';
import { checkIdentity, type Identity } from '../file-header';
import { loadSnapshot } from '../snapshot/load-snapshot';
import { adoptSnapshot, discardSnapshot, receivedIndex } from '../snapshot/received-snapshot';
import { listSnapshots } from '../snapshot/snapshot-file';
import { StateMachine } from '../state-machine';
import { lastMark, readLog, type RecoveredLog, recoverLog } from '../wal/recover';
import { applyEntry } from './apply-entry';
import { LogWindow } from './log-window';
import { DEFAULT_CATCH_UP_BYTES } from './replicator-options';

export interface Directories {
  readonly wal: string;
  readonly snapshot: string;
}

/** What is on the disk of a member. */
export interface RecoveredMember {
  /** As far as is known to be committed. */
  readonly machine: StateMachine;
  readonly recovered: RecoveredLog;
  /** The end of the log: what was applied last, and what is not known to be committed. */
  readonly window: LogWindow;
  /** Absent: nothing was ever written here. */
  readonly identity: Identity | undefined;
  readonly logBytes: number;
  readonly snapshotBytes: number;
}

/** @throws StoreError `corrupt`, naming file and offset */
export async function recoverMember(
  files: FileSystem,
  directories: Directories,
  logger: Logger | undefined,
  catchUpBytes = DEFAULT_CATCH_UP_BYTES,
): Promise<RecoveredMember> {
  await sortOutReceived(files, directories, logger);
  // All that is read is there before versions are made of it: memory outside of the heap lets the garbage collector run, and look at all of them.
  const log = await readLog(files, directories.wal);
  const newest = (await listSnapshots(files, directories.snapshot)).at(-1);
  const loaded = newest === undefined ? undefined : await loadSnapshot(files, newest.file);
  const machine = loaded?.machine ?? new StateMachine();
  const window = new LogWindow(
    { index: machine.appliedIndex, term: machine.appliedTerm },
    () => machine.membership.confState,
    () => ({ index: machine.appliedIndex, term: machine.appliedTerm, confState: machine.membership.confState }),
  );
  let logBytes = 0;
  machine.keyspace.beginReplay();
  const recovered = recoverLog(log, machine.appliedIndex, (entry, { file, offset }) => {
    logBytes += entry.data.length;
    try {
      applyEntry(machine, entry);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw storeErrors.corrupt(file, offset, `entry ${entry.index} cannot be applied: ${reason}`);
    }
    window.append([entry]);
    // Whoever is alone has nobody who could be behind.
    window.trim(entry.index, machine.membership.members.size > 1 ? catchUpBytes : 0);
  });
  machine.keyspace.endReplay();
  const { mark, identity, hardState, tail } = recovered;
  if (mark !== undefined && mark.index > (newest?.index ?? 0)) {
    throw storeErrors.corrupt(directories.snapshot, 0, `the snapshot of entry ${mark.index} is missing`);
  }
  if (newest !== undefined && loaded !== undefined && identity !== undefined) {
    checkIdentity(newest.file, identity, loaded.identity);
  }
  window.append(tail);
  window.setHardState({ ...hardState, commit: Math.max(hardState.commit, machine.appliedIndex) });
  return { machine, recovered, window, identity, logBytes, snapshotBytes: loaded?.bytes ?? 0 };
}

/** Another member's snapshot counts if the log says so, and the process was stopped before it could give it its name. */
async function sortOutReceived(files: FileSystem, directories: Directories, logger?: Logger): Promise<void> {
  for (const name of await files.list(directories.snapshot)) {
    // Of snapshots that were being written or received.
    if (name.endsWith('.tmp')) await files.remove(path.join(directories.snapshot, name));
    const index = receivedIndex(name);
    if (index === undefined) continue;
    const isMarked = lastMark(await readLog(files, directories.wal)) >= index;
    logger?.info({ index, isMarked }, 'a received snapshot was left');
    if (isMarked) await adoptSnapshot(files, directories.snapshot, index);
    else await discardSnapshot(files, directories.snapshot, index);
  }
}
