import { type ByteReader } from '../byte-reader';
import { type ByteWriter } from '../byte-writer';

/** Types of frames in the log; the numbers are the format. */
export const RecordType = { hardState: 1, entry: 2, snapshotMark: 3 } as const;

/** What Raft must not forget (section 5, figure 2 of the paper), and how far the log is known to be committed. */
export interface HardState {
  readonly term: number;
  /** Member voted for in `term`; 0: none. */
  readonly vote: bigint;
  readonly commit: number;
}

export interface Entry {
  readonly term: number;
  readonly index: number;
  /** 0: a command. Raft will add membership changes. */
  readonly type: number;
  readonly data: Buffer;
}

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
  writer.u8(type);
  writer.raw(data);
}

/** Copies the data, so that keeping it does not keep the whole segment. */
export function readEntry(body: ByteReader): Entry {
  return { term: body.varint(), index: body.varint(), type: body.u8(), data: copy(body.rest()) };
}

export function writeSnapshotMark(writer: ByteWriter, { index, term }: SnapshotMark): void {
  writer.varint(index);
  writer.varint(term);
}

export function readSnapshotMark(body: ByteReader): SnapshotMark {
  return { index: body.varint(), term: body.varint() };
}

function copy(view: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(view.length);
  view.copy(own);
  return own;
}
