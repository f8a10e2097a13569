import { type Alarms } from '../alarms';
import { readAuthState } from '../auth/auth-codec';
import { type ByteReader } from '../byte-reader';
import { storeErrors } from '../errors';
import { type FileSystem, type StoreFile } from '../files';
import { decodeHeader, HEADER_BYTES, headerCrc, type Identity } from '../file-header';
import { readFrame } from '../frame';
import { readVersion, type Version } from '../mvcc/version';
import { decodeMembership } from '../replication/member-codec';
import { StateMachine } from '../state-machine';
import { ALARM_CORRUPT, SECTOR_BYTES, SectionType } from './snapshot-file';

/** Length, type and CRC. */
const SECTION_OVERHEAD_BYTES = 9;
const LENGTH_BYTES = 4;
/** Read in one step: 2 ms. */
const STEP_SECTIONS = 4;

interface Section {
  readonly position: number;
  readonly memory: Buffer;
}

export interface LoadedSnapshot {
  readonly machine: StateMachine;
  readonly identity: Identity;
  readonly bytes: number;
}

/**
 * @param end where it ends, if something else follows in the file
 * @throws StoreError `corrupt`: the log before a snapshot is gone, so there is nothing else to start from
 */
export function loadSnapshot(files: FileSystem, name: string, end?: number): Promise<LoadedSnapshot> {
  // All are read before versions are made of the first: see `recoverMember`.
  return readSnapshot(files, name, { end, ahead: gathered, onKey: keep });
}

/** Reads it to its last byte, as `loadSnapshot` does and with the same demands, and keeps everything but the keys. */
export function checkSnapshot(files: FileSystem, name: string): Promise<LoadedSnapshot> {
  return readSnapshot(files, name, { ahead: (sections) => sections, onKey: () => undefined });
}

interface Reading {
  readonly end?: number;
  /** How far sections are read ahead. */
  readonly ahead: (sections: AsyncIterable<Section>) => AsyncIterable<Section>;
  /** @param head of a key, with all its versions */
  readonly onKey: (machine: StateMachine, head: Version) => void;
}

async function readSnapshot(files: FileSystem, name: string, { end, ahead, onKey }: Reading): Promise<LoadedSnapshot> {
  const file = await files.open(name, 'read');
  try {
    const bytes = end ?? (await file.size());
    const headerBytes = await file.read(0, HEADER_BYTES);
    const header = decodeHeader('snapshot', name, headerBytes);
    const machine = new StateMachine();
    machine.skip(Number(header.position), Number(header.detail));

    const salt = headerCrc(headerBytes);
    let crc = salt;
    const keys = new KeysReader((head) => onKey(machine, head));
    let isComplete = false;
    let number = 0;
    for await (const { position, memory } of ahead(readSections(file, bytes))) {
      // A member that is sent a snapshot goes on meanwhile.
      if (number++ % STEP_SECTIONS === 0) await new Promise((resolve) => setImmediate(resolve));
      if (isComplete && isPadding(memory, bytes - position)) break;
      const frame = readFrame(memory, 0, { crc, salt, checksum: header.checksum });
      if (frame === undefined) throw storeErrors.corrupt(name, position, 'a section does not match its checksum');
      if (isComplete) throw storeErrors.corrupt(name, position, 'something follows the end');
      if (frame.type === SectionType.state) readState(frame.body, machine);
      else if (frame.type === SectionType.keys) keys.read(frame.body);
      else if (frame.type === SectionType.membership) machine.membership = decodeMembership(frame.body);
      else if (frame.type === SectionType.auth) machine.auth = readAuthState(frame.body);
      else if (frame.type === SectionType.alarms) readAlarms(frame.body, machine.alarms);
      else if (frame.type === SectionType.end) {
        keys.finishKey();
        isComplete = frame.body.varint() === keys.count;
      }
      crc = frame.crc;
    }
    if (!isComplete) throw storeErrors.corrupt(name, bytes, 'the end is missing');
    return { machine, identity: header, bytes };
  } finally {
    await file.close();
  }
}

async function* gathered(sections: AsyncIterable<Section>): AsyncGenerator<Section> {
  const all: Section[] = [];
  for await (const section of sections) all.push(section);
  yield* all;
}

function keep({ keyspace, leases }: StateMachine, head: Version): void {
  keyspace.load(head);
  if (!head.isTombstone && !leases.isEmpty) leases.attach(head.kv.lease, head.key);
}

/** The bytes of one section after the other; the next is being read while one is looked at. What cannot be one comes as it is. */
async function* readSections(file: StoreFile, end: number): AsyncGenerator<Section> {
  let position = HEADER_BYTES;
  let length = lengthOf(await file.read(position, LENGTH_BYTES), end - position);
  let reading = file.read(position, length + LENGTH_BYTES);
  try {
    while (position < end) {
      const memory = await reading;
      const next = position + length;
      const nextLength = lengthOf(memory.subarray(length), end - next);
      if (next < end) reading = file.read(next, nextLength + LENGTH_BYTES);
      yield { position, memory: memory.subarray(0, length) };
      position = next;
      length = nextLength;
    }
  } finally {
    await reading.catch(() => undefined);
  }
}

/** With its frame; enough to tell what it is, if it cannot be one. */
function lengthOf(head: Buffer, left: number): number {
  const body = head.length < LENGTH_BYTES ? 0 : head.readUInt32LE(0);
  const length = body + SECTION_OVERHEAD_BYTES;
  return body === 0 || length > left ? Math.min(left, SECTOR_BYTES) : length;
}

/** A snapshot that was given away ends with zeros up to a multiple of a disk sector. */
function isPadding(memory: Buffer, left: number): boolean {
  return left < SECTOR_BYTES && memory.every((byte) => byte === 0);
}

function readState(body: ByteReader, machine: StateMachine): void {
  machine.keyspace.begin(body.varint(), body.varint() - 1);
  for (let left = body.varint(); left > 0; left--) machine.leases.grant(body.i64(), body.varint(), body.varint());
}

function readAlarms(body: ByteReader, alarms: Alarms): void {
  while (!body.done) alarms.raise({ type: body.u8() === ALARM_CORRUPT ? 'corrupt' : 'nospace', memberId: body.u64() });
}

/** Keys with their versions, as they come in one section or several. */
class KeysReader {
  /** How many are complete. */
  count = 0;
  private head: Version | undefined;

  constructor(private readonly onKey: (head: Version) => void) {}

  read(body: ByteReader): void {
    while (!body.done) {
      const named = body.key();
      if (named !== this.head?.key) this.finishKey();
      // The same memory for all of its versions.
      const key = this.head?.key ?? named;
      for (let left = body.varint(); left > 0 && !body.done; left--) this.head = readVersion(body, key, this.head);
    }
  }

  finishKey(): void {
    const { head } = this;
    if (head === undefined) return;
    this.count++;
    this.head = undefined;
    this.onKey(head);
  }
}
