import path from 'node:path';
import { type Entry, type HardState } from '#raft';
import { storeErrors } from '../errors';
import { type FileSystem } from '../files';
import { checkIdentity, type Identity } from '../file-header';
import { LogReader, type OnCommitted } from './log-reader';
import { readSnapshotMark, RecordType, type SnapshotMark } from './records';
import { parseSegmentNames, type ScannedSegment, scanSegment, type SegmentName } from './segment';

/** Everything that reading the log from its beginning tells. */
export interface RecoveredLog {
  readonly segments: readonly SegmentName[];
  /** Where the last segment can be continued; undefined: there is no log yet. */
  readonly last: ScannedSegment | undefined;
  readonly identity: Identity | undefined;
  readonly hardState: HardState;
  readonly mark: SnapshotMark | undefined;
  /** Of the log or, if it holds no entry, of what comes before it. */
  readonly lastIndex: number;
  /** Entries that are not known to be committed: Raft will say what becomes of them. */
  readonly tail: readonly Entry[];
}

/** The files of a log, as they are. */
export interface LogFiles {
  readonly directory: string;
  readonly segments: readonly SegmentName[];
  /** Of each segment. */
  readonly contents: readonly Buffer[];
}

export async function readLog(files: FileSystem, directory: string): Promise<LogFiles> {
  const segments = parseSegmentNames(await files.list(directory));
  const contents: Buffer[] = [];
  for (const { name } of segments) contents.push(await readAll(files, path.join(directory, name)));
  return { directory, segments, contents };
}

/**
 * Goes through all segments in order, checks that they belong together, and hands over each committed entry once.
 *
 * @param after entries up to this index are in the snapshot and are not handed over
 * @throws StoreError `corrupt`
 */
export function recoverLog(
  { directory, segments, contents }: LogFiles,
  after: number,
  onCommitted: OnCommitted,
): RecoveredLog {
  const reader = new LogReader(after, segments[0]?.firstIndex ?? 1, onCommitted);
  let last: ScannedSegment | undefined;

  for (const [position, segment] of segments.entries()) {
    const file = path.join(directory, segment.name);
    const before = last;
    last = scanSegment(file, contents[position]!, position === segments.length - 1, (frame, offset) =>
      reader.read(frame, { file, offset }),
    );
    checkNeighbours(file, segment, last, segments[position - 1], before);
  }

  const { hardState, mark, lastIndex, tail } = reader;
  checkCompleteness(directory, { segments, lastIndex, after, commit: hardState.commit });
  return { segments, last, identity: last?.header, hardState: withTermOf(hardState, tail), mark, lastIndex, tail };
}

/** Index of the newest snapshot that the log knows of; 0: of none. The log need not reach as far as any snapshot here. */
export function lastMark({ directory, segments, contents }: LogFiles): number {
  let index = 0;
  for (const [position, segment] of segments.entries()) {
    const file = path.join(directory, segment.name);
    const content = contents[position]!;
    scanSegment(file, content, position === segments.length - 1, ({ type, body }) => {
      if (type === RecordType.snapshotMark) index = Math.max(index, readSnapshotMark(body).index);
    });
  }
  return index;
}

/** A batch cut short may have lost the hard state that followed its entries. Nothing was promised in that term yet. */
function withTermOf(hardState: HardState, tail: readonly Entry[]): HardState {
  const term = tail.at(-1)?.term ?? 0;
  return term > hardState.term ? { ...hardState, term, vote: 0n } : hardState;
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
  if (log.lastIndex < Math.max(after, commit)) {
    const reason = `the log ends at entry ${log.lastIndex}, but entry ${Math.max(after, commit)} was committed`;
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
