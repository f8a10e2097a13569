import path from 'node:path';
import { type FileSystem, type StoreFile } from '../files';
import { type Identity } from '../file-header';
import { snapshotName } from './snapshot-file';
import { type Picture, snapshotSections } from './snapshot-sections';

/** Sections in one step, 2 ms together: one at a time takes too many turns of a busy event loop. */
const STEP_SECTIONS = 4;

/**
 * Writes a snapshot aside and gives it its name once it is durable, so that a file with that name is always whole.
 * Others run between steps.
 *
 * @param isCancelled asked between steps; a cancelled snapshot leaves nothing behind
 * @returns its size in bytes; undefined if cancelled
 */
export async function writeSnapshot(
  files: FileSystem,
  directory: string,
  identity: Identity,
  picture: Picture,
  isCancelled: () => boolean,
): Promise<number | undefined> {
  const name = path.join(directory, snapshotName(picture.index));
  const unfinished = `${name}.tmp`;
  const file = await files.open(unfinished, 'create');
  let bytes: number | undefined;
  try {
    bytes = await writeSections(file, snapshotSections(identity, picture, true), isCancelled);
    if (bytes !== undefined) await file.datasync();
  } catch (error) {
    await file.close();
    await files.remove(unfinished);
    throw error;
  }
  await file.close();
  if (bytes === undefined) await files.remove(unfinished);
  else {
    await files.rename(unfinished, name);
    await files.syncDirectory(directory);
  }
  return bytes;
}

async function writeSections(
  file: StoreFile,
  sections: Iterable<Buffer>,
  isCancelled: () => boolean,
): Promise<number | undefined> {
  let position = 0;
  for (const step of inSteps(sections)) {
    if (isCancelled()) return undefined;
    await file.write(step, position);
    position += step.length;
  }
  return position;
}

function* inSteps(sections: Iterable<Buffer>): Generator<Buffer> {
  let step: Buffer[] = [];
  for (const section of sections) {
    if (step.push(section) < STEP_SECTIONS) continue;
    yield Buffer.concat(step);
    step = [];
  }
  if (step.length > 0) yield Buffer.concat(step);
}
