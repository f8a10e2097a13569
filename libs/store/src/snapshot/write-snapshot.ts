import path from 'node:path';
import { type FileSystem, type StoreFile } from '../files';
import { type Identity } from '../file-header';
import { snapshotName } from './snapshot-file';
import { type Picture, snapshotSections } from './snapshot-sections';

/**
 * Writes a snapshot aside and gives it its name once it is durable, so that a file with that name is always whole.
 * Every section is a step of its own: others run between them.
 *
 * @param isCancelled asked between sections; a cancelled snapshot leaves nothing behind
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
  for (const section of sections) {
    if (isCancelled()) return undefined;
    await file.write(section, position);
    position += section.length;
  }
  return position;
}
