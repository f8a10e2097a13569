import { type Alarms } from '../alarms';
import { readAuthState } from '../auth/auth-codec';
import { type ByteReader } from '../byte-reader';
import { storeErrors } from '../errors';
import { type FileSystem, type StoreFile } from '../files';
import { decodeHeader, HEADER_BYTES, headerCrc, type Identity } from '../file-header';
import { type Chain, type Frame, readFrame } from '../frame';
import { readVersion, type Version } from '../mvcc/version';
import { decodeMembership } from '../replication/member-codec';
import { StateMachine } from '../state-machine';
import { ALARM_CORRUPT, SECTOR_BYTES, SectionType } from './snapshot-file';

/** Length, type and CRC. */
const SECTION_OVERHEAD_BYTES = 9;

export interface LoadedSnapshot {
  readonly machine: StateMachine;
  readonly identity: Identity;
  readonly bytes: number;
}

/**
 * @param end where it ends, if something else follows in the file
 * @throws StoreError `corrupt`: the log before a snapshot is gone, so there is nothing else to start from
 */
export async function loadSnapshot(files: FileSystem, name: string, end?: number): Promise<LoadedSnapshot> {
  const file = await files.open(name, 'read');
  try {
    const bytes = end ?? (await file.size());
    const headerBytes = await file.read(0, HEADER_BYTES);
    const header = decodeHeader('snapshot', name, headerBytes);
    const machine = new StateMachine();
    machine.skip(Number(header.position), Number(header.detail));

    const salt = headerCrc(headerBytes);
    let crc = salt;
    let position = HEADER_BYTES;
    const keys = new KeysReader(machine);
    let isComplete = false;
    while (position < bytes && !(isComplete && (await isPadding(file, position, bytes)))) {
      const frame = await readSection(file, name, position, { crc, salt });
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
      position += frame.end;
    }
    if (!isComplete) throw storeErrors.corrupt(name, bytes, 'the end is missing');
    return { machine, identity: header, bytes };
  } finally {
    await file.close();
  }
}

/** A snapshot that was given away ends with zeros up to a multiple of a disk sector. */
async function isPadding(file: StoreFile, position: number, end: number): Promise<boolean> {
  const left = end - position;
  return left < SECTOR_BYTES && (await file.read(position, left)).every((byte) => byte === 0);
}

/** The frame's `end` is relative to `position`. */
async function readSection(file: StoreFile, name: string, position: number, after: Chain): Promise<Frame> {
  const head = await file.read(position, 4);
  const length = head.length < 4 ? 0 : head.readUInt32LE(0) + SECTION_OVERHEAD_BYTES;
  const left = (await file.size()) - position;
  const frame = length > left ? undefined : readFrame(await file.read(position, length), 0, after);
  if (frame === undefined) throw storeErrors.corrupt(name, position, 'a section does not match its checksum');
  return frame;
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

  constructor(private readonly machine: StateMachine) {}

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
    const { head, machine } = this;
    if (head === undefined) return;
    this.count++;
    this.head = undefined;
    machine.keyspace.load(head);
    if (!head.isTombstone && !machine.leases.isEmpty) machine.leases.attach(head.kv.lease, head.key);
  }
}
