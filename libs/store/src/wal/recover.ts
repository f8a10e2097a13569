import path from 'node:path';
import { storeErrors } from '../errors';
import { type FileSystem } from '../files';
import { checkIdentity, type Identity } from '../file-header';
import { type Frame } from '../frame';
import {
  type Entry,
  type HardState,
  readEntry,
  readHardState,
  readSnapshotMark,
  RecordType,
  type SnapshotMark,
} from './records';
import { parseSegmentNames, type ScannedSegment, scanSegment, type SegmentName } from './segment';

/** Everything that reading the log from its beginning tells. */
export interface RecoveredLog {
  readonly segments: readonly SegmentName[];
  /** Where the last segment can be continued; undefined: there is no log yet. */
  readonly last: ScannedSegment | undefined;
  readonly identity: Identity | undefined;
  readonly hardState: HardState;
  readonly mark: SnapshotMark | undefined;
  /** 0: no entry is left in the log. */
  readonly lastIndex: number;
}

/**
 * Reads all segments in order, checks that they belong together, and hands over each entry once.
 *
 * @param after entries up to this index are in the snapshot and are not handed over
 * @throws StoreError `corrupt`
 */
export async function recoverLog(
  files: FileSystem,
  directory: string,
  after: number,
  onEntry: (entry: Entry, file: string, offset: number) => void,
): Promise<RecoveredLog> {
  const segments = parseSegmentNames(await files.list(directory));
  let hardState: HardState = { term: 0, vote: 0n, commit: 0 };
  let mark: SnapshotMark | undefined;
  let lastIndex = 0;
  let last: ScannedSegment | undefined;

  for (const [position, segment] of segments.entries()) {
    const file = path.join(directory, segment.name);
    const onRecord = (frame: Frame, offset: number): void => {
      if (frame.type === RecordType.hardState) hardState = readHardState(frame.body);
      else if (frame.type === RecordType.snapshotMark) mark = readSnapshotMark(frame.body);
      else if (frame.type === RecordType.entry) {
        const entry = readEntry(frame.body);
        if (lastIndex !== 0 && entry.index !== lastIndex + 1) {
          throw storeErrors.corrupt(file, offset, `entry ${entry.index} follows entry ${lastIndex}`);
        }
        lastIndex = entry.index;
        if (entry.index > after) onEntry(entry, file, offset);
      } else throw storeErrors.corrupt(file, offset, `unknown record type ${frame.type}`);
    };
    const before = last;
    last = scanSegment(file, await readAll(files, file), position === segments.length - 1, onRecord);
    checkNeighbours(file, segment, last, segments[position - 1], before);
  }

  checkCompleteness(directory, { segments, lastIndex, after, commit: hardState.commit });
  return { segments, last, identity: last?.header, hardState, mark, lastIndex };
}

/** Snapshot and log together have to reach from the first entry to the last that was ever committed. */
function checkCompleteness(
  directory: string,
  log: { segments: readonly SegmentName[]; lastIndex: number; after: number; commit: number },
): void {
  const { after, commit } = log;
  const first = log.segments[0];
  const newest = log.segments.at(-1);
  if (first === undefined || newest === undefined) {
    if (after === 0) return;
    throw storeErrors.corrupt(directory, 0, `there is a snapshot of entry ${after}, but no log`);
  }
  if (first.firstIndex > after + 1) {
    const reason = `the log starts at entry ${first.firstIndex}, but the newest snapshot ends at ${after}`;
    throw storeErrors.corrupt(path.join(directory, first.name), 0, reason);
  }
  const end = log.lastIndex === 0 ? newest.firstIndex - 1 : log.lastIndex;
  if (end < Math.max(after, commit)) {
    const reason = `the log ends at entry ${end}, but entry ${Math.max(after, commit)} was committed`;
    throw storeErrors.corrupt(path.join(directory, newest.name), 0, reason);
  }
}

function checkNeighbours(
  file: string,
  segment: SegmentName,
  scanned: ScannedSegment,
  nameBefore: SegmentName | undefined,
  before: ScannedSegment | undefined,
): void {
  const { header } = scanned;
  if (header.position !== BigInt(segment.sequence) || header.detail !== BigInt(segment.firstIndex)) {
    throw storeErrors.corrupt(file, 32, 'the header says that the file had another name');
  }
  if (before === undefined || nameBefore === undefined) return;
  checkIdentity(file, before.header, header);
  if (segment.sequence !== nameBefore.sequence + 1) {
    throw storeErrors.corrupt(file, 32, `the segment before it, number ${segment.sequence - 1}, is missing`);
  }
  if (header.previousCrc !== before.crc) {
    throw storeErrors.corrupt(file, 48, `it does not continue ${nameBefore.name}, whose end must be missing`);
  }
}

async function readAll(files: FileSystem, name: string): Promise<Buffer> {
  const file = await files.open(name, 'read');
  try {
    return await file.read(0, await file.size());
  } finally {
    await file.close();
  }
}
