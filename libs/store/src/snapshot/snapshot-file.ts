import { type FileSystem } from '../files';
import path from 'node:path';

/** Types of frames in a snapshot; the numbers are the format. */
export const SectionType = { state: 1, keys: 2, end: 3, auth: 4, alarms: 5, membership: 16 } as const;

/** An alarm's type; 0: no space. */
export const ALARM_CORRUPT = 1;

/** etcd's tools take a file for whole if its size is that of whole disk sectors and a digest. */
export const SECTOR_BYTES = 512;
/** Of SHA-256, at the end of a snapshot that is given away. */
export const DIGEST_BYTES = 32;

const NAME = /^([0-9a-f]{16})\.snap$/;

export function snapshotName(index: number): string {
  return `${index.toString(16).padStart(16, '0')}.snap`;
}

/** The snapshots in a directory, by the index of their last entry, oldest first. */
export async function listSnapshots(files: FileSystem, directory: string): Promise<{ index: number; file: string }[]> {
  const snapshots: { index: number; file: string }[] = [];
  for (const name of await files.list(directory)) {
    const match = NAME.exec(name);
    if (match) snapshots.push({ index: parseInt(match[1]!, 16), file: path.join(directory, name) });
  }
  return snapshots.sort((a, b) => a.index - b.index);
}
