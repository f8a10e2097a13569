import { type Entry, type HardState } from '#raft';
import { type ByteReader } from '../byte-reader';
import { type ByteWriter } from '../byte-writer';
import { encodeRequestId, NOBODY } from '../replication/entry-data';

/** Types of frames in the log; the numbers are the format. */
export const RecordType = { hardState: 1, entry: 2, snapshotMark: 3 } as const;

/** What an entry's data is; the numbers are the format. */
const EntryKind = { commandOfNobody: 0, confChange: 1, request: 2 } as const;

/** A snapshot up to and including this entry is durable; entries before it may be gone. */
export interface SnapshotMark {
  readonly index: number;
  readonly term: number;
}

export function writeHardState(writer: ByteWriter, { term, vote, commit }: HardState): void {
  writer.varint(term);
  writer.u64(vote);
  writer.varint(commit);
}

export function readHardState(body: ByteReader): HardState {
  return { term: body.varint(), vote: body.u64(), commit: body.varint() };
}

export function writeEntry(writer: ByteWriter, { term, index, type, data }: Entry): void {
  writer.varint(term);
  writer.varint(index);
  writer.u8(type === 'conf-change' ? EntryKind.confChange : EntryKind.request);
  writer.raw(data);
}

/**
 * The data are a view: what is kept of them keeps the whole segment, until a snapshot has what it says.
 * @throws RangeError for a kind of entry that is not known
 */
export function readEntry(body: ByteReader): Entry {
  const term = body.varint();
  const index = body.varint();
  const kind = body.u8();
  switch (kind) {
    case EntryKind.request:
      return { term, index, type: 'normal', data: body.rest() };
    case EntryKind.confChange:
      return { term, index, type: 'conf-change', data: body.rest() };
    case EntryKind.commandOfNobody:
      // Stores of one member wrote their commands like this once.
      return { term, index, type: 'normal', data: Buffer.concat([encodeRequestId(NOBODY), body.rest()]) };
    default:
      throw new RangeError(`unknown kind of entry ${kind}`);
  }
}

export function writeSnapshotMark(writer: ByteWriter, { index, term }: SnapshotMark): void {
  writer.varint(index);
  writer.varint(term);
}

export function readSnapshotMark(body: ByteReader): SnapshotMark {
  return { index: body.varint(), term: body.varint() };
}
