import path from 'node:path';
import { storeErrors } from '../errors';
import { type FileSystem, isNoSpace } from '../files';
import { checkIdentity, type Identity } from '../file-header';
import { type Membership } from '../replication/membership';
import { checkSnapshot } from './load-snapshot';
import { snapshotName } from './snapshot-file';

const SUFFIX = '.received';

/** Of a snapshot from another member, durable but not yet a part of this member's state: the log has to say so first. */
export function receivedName(index: number): string {
  return snapshotName(index).replace(/\.snap$/, SUFFIX);
}

/** Index of a received snapshot; undefined for other names. */
export function receivedIndex(name: string): number | undefined {
  return name.endsWith(SUFFIX) ? parseInt(name, 16) : undefined;
}

/** A snapshot on disk, which was read and found to be whole. */
export interface ReceivedSnapshot {
  readonly index: number;
  readonly term: number;
  readonly bytes: number;
  readonly membership: Membership;
}

/**
 * Stores what another member sends, durably, and looks whether it can be read. There is room for one state, not for two: this one's keys
 * are not kept before the one there is has been let go of.
 *
 * @throws StoreError `corrupt` if it is damaged or not for this member; `no-space`; `closed` if the disk fails, and cannot be relied on; whatever
 *   `body` fails with
 */
export async function receiveSnapshot(
  files: FileSystem,
  directory: string,
  identity: Identity,
  index: number,
  body: AsyncIterable<Buffer>,
): Promise<ReceivedSnapshot> {
  const name = path.join(directory, receivedName(index));
  const unfinished = `${name}.tmp`;
  const file = await onDisk(files.open(unfinished, 'create'), directory);
  try {
    let position = 0;
    for await (const chunk of body) {
      await onDisk(file.write(chunk, position), directory);
      position += chunk.length;
    }
    await onDisk(file.datasync(), directory);
    await file.close();
    const { machine, identity: actual, bytes } = await checkSnapshot(files, unfinished);
    checkIdentity(unfinished, identity, actual);
    if (machine.appliedIndex !== index)
      throw storeErrors.corrupt(unfinished, 32, `it is not the one of entry ${index}`);
    await onDisk(files.rename(unfinished, name), directory);
    await onDisk(files.syncDirectory(directory), directory);
    return { index, term: machine.appliedTerm, bytes, membership: machine.membership };
  } catch (error) {
    await file.close().catch(() => undefined);
    await files.remove(unfinished).catch(() => undefined);
    throw error;
  }
}

function onDisk<T>(work: Promise<T>, directory: string): Promise<T> {
  return work.catch((error: unknown) => {
    const reason = `a snapshot cannot be stored in ${directory}: ${error instanceof Error ? error.message : String(error)}`;
    throw isNoSpace(error) ? storeErrors.noSpace(reason) : storeErrors.failed(reason);
  });
}

/** The log says that it is a part of this member's state. @returns its name from now on */
export async function adoptSnapshot(files: FileSystem, directory: string, index: number): Promise<string> {
  const name = path.join(directory, snapshotName(index));
  await files.rename(path.join(directory, receivedName(index)), name);
  await files.syncDirectory(directory);
  return name;
}

/** Nobody needs it. */
export function discardSnapshot(files: FileSystem, directory: string, index: number): Promise<void> {
  return files.remove(path.join(directory, receivedName(index)));
}
