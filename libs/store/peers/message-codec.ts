import { type ConfState, type Entry, type Message, type ProposedEntry, type SnapshotMetadata } from '#raft';
import { ByteReader } from '../src/byte-reader';
import { ByteWriter } from '../src/byte-writer';
import { PREFIX_BYTES } from './frames';

/**
 * Raft's messages as bytes. The positions in these lists are the format: append, never reorder. A change that older members
 * could not read needs another path (see `protocol.ts`).
 */
const TYPES = [
  'propose',
  'append',
  'append-response',
  'pre-vote',
  'vote',
  'pre-vote-response',
  'vote-response',
  'heartbeat',
  'heartbeat-response',
  'snapshot',
  'timeout-now',
  'transfer-leader',
  'read-index',
  'read-index-response',
] as const satisfies readonly Message['type'][];
const ENTRY_TYPES = ['normal', 'conf-change'] as const satisfies readonly Entry['type'][];

const scratch = new ByteWriter(256 * 1024);

export function encodeMessage(message: Message): Buffer {
  scratch.reset();
  writeMessage(scratch, message);
  return scratch.toBuffer();
}

/** With the prefix of a frame. */
export function encodeFrame(message: Message): Buffer {
  scratch.reset();
  scratch.u32(0);
  writeMessage(scratch, message);
  scratch.patchU32(scratch.length - PREFIX_BYTES, 0);
  return scratch.toBuffer();
}

/** Entries' data are views of `bytes`. @throws RangeError on anything that `encodeMessage` does not write */
export function decodeMessage(bytes: Buffer): Message {
  const reader = new ByteReader(bytes);
  const type = pick(TYPES, reader.u8());
  const addressed = { to: reader.u64(), from: reader.u64(), term: reader.varint() };
  const message = { ...addressed, ...readBody(type, reader) };
  if (!reader.done) throw new RangeError(`${type}: bytes are left over`);
  return message;
}

function writeMessage(writer: ByteWriter, message: Message): void {
  writer.u8(TYPES.indexOf(message.type));
  writer.u64(message.to);
  writer.u64(message.from);
  writer.varint(message.term);
  writeBody(writer, message);
}

type Body = Message extends infer M ? (M extends Message ? Omit<M, 'to' | 'from' | 'term'> : never) : never;

function writeBody(writer: ByteWriter, message: Body): void {
  switch (message.type) {
    case 'propose':
      writeList(writer, message.entries, writeProposed);
      break;
    case 'append':
      writer.varint(message.index);
      writer.varint(message.logTerm);
      writer.varint(message.commit);
      writeList(writer, message.entries, writeEntry);
      break;
    case 'append-response':
      writer.varint(message.index);
      writer.u8(message.reject ? 1 : 0);
      writer.varint(message.hintIndex);
      writer.varint(message.hintTerm);
      break;
    case 'pre-vote':
    case 'vote':
      writer.varint(message.index);
      writer.varint(message.logTerm);
      writer.u8(message.isTransfer ? 1 : 0);
      break;
    case 'pre-vote-response':
    case 'vote-response':
      writer.u8(message.reject ? 1 : 0);
      writer.varint(message.commit);
      writer.varint(message.commitTerm);
      break;
    case 'heartbeat':
      writer.varint(message.commit);
      writer.u64(message.context);
      break;
    case 'heartbeat-response':
    case 'read-index':
      writer.u64(message.context);
      break;
    case 'snapshot':
      writeSnapshot(writer, message.snapshot);
      break;
    case 'transfer-leader':
      writer.u64(message.transferee);
      break;
    case 'read-index-response':
      writer.varint(message.index);
      writer.u64(message.context);
      break;
    case 'timeout-now':
  }
}

function readBody(type: Message['type'], reader: ByteReader): Body {
  switch (type) {
    case 'propose':
      return { type, entries: readList(reader, readProposed) };
    case 'append':
      return {
        type,
        index: reader.varint(),
        logTerm: reader.varint(),
        commit: reader.varint(),
        entries: readList(reader, readEntry),
      };
    case 'append-response':
      return {
        type,
        index: reader.varint(),
        reject: readFlag(reader),
        hintIndex: reader.varint(),
        hintTerm: reader.varint(),
      };
    case 'pre-vote':
    case 'vote':
      return { type, index: reader.varint(), logTerm: reader.varint(), isTransfer: readFlag(reader) };
    case 'pre-vote-response':
    case 'vote-response':
      return { type, reject: readFlag(reader), commit: reader.varint(), commitTerm: reader.varint() };
    case 'heartbeat':
      return { type, commit: reader.varint(), context: reader.u64() };
    case 'heartbeat-response':
    case 'read-index':
      return { type, context: reader.u64() };
    case 'snapshot':
      return { type, snapshot: readSnapshot(reader) };
    case 'timeout-now':
      return { type };
    case 'transfer-leader':
      return { type, transferee: reader.u64() };
    case 'read-index-response':
      return { type, index: reader.varint(), context: reader.u64() };
  }
}

function writeProposed(writer: ByteWriter, { type, data }: ProposedEntry): void {
  writer.u8(ENTRY_TYPES.indexOf(type));
  writer.bytes(data);
}

function readProposed(reader: ByteReader): ProposedEntry {
  return { type: pick(ENTRY_TYPES, reader.u8()), data: reader.bytes() };
}

function writeEntry(writer: ByteWriter, entry: Entry): void {
  writer.varint(entry.term);
  writer.varint(entry.index);
  writeProposed(writer, entry);
}

function readEntry(reader: ByteReader): Entry {
  return { term: reader.varint(), index: reader.varint(), ...readProposed(reader) };
}

function writeSnapshot(writer: ByteWriter, { index, term, confState }: SnapshotMetadata): void {
  writer.varint(index);
  writer.varint(term);
  writeList(writer, confState.voters, writeId);
  writeList(writer, confState.learners, writeId);
  writeList(writer, confState.votersOutgoing, writeId);
  writeList(writer, confState.learnersNext, writeId);
  writer.u8(confState.autoLeave ? 1 : 0);
}

function readSnapshot(reader: ByteReader): SnapshotMetadata {
  return { index: reader.varint(), term: reader.varint(), confState: readConfState(reader) };
}

function readConfState(reader: ByteReader): ConfState {
  const ids = (): bigint[] => readList(reader, (each) => each.u64());
  return {
    voters: ids(),
    learners: ids(),
    votersOutgoing: ids(),
    learnersNext: ids(),
    autoLeave: readFlag(reader),
  };
}

function writeId(writer: ByteWriter, id: bigint): void {
  writer.u64(id);
}

function writeList<T>(writer: ByteWriter, items: readonly T[], write: (writer: ByteWriter, item: T) => void): void {
  writer.varint(items.length);
  for (const item of items) write(writer, item);
}

/** Reads no further than the bytes go, however long the list claims to be. */
function readList<T>(reader: ByteReader, read: (reader: ByteReader) => T): T[] {
  const items: T[] = [];
  for (let left = reader.varint(); left > 0; left--) items.push(read(reader));
  return items;
}

function readFlag(reader: ByteReader): boolean {
  return pick([false, true] as const, reader.u8());
}

function pick<T>(list: readonly T[], position: number): T {
  if (position >= list.length) throw new RangeError(`position ${position} of ${list.length}`);
  return list[position]!;
}
