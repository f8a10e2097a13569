import { type Alarm } from '../alarms';
import { writeAuthState } from '../auth/auth-codec';
import { ByteWriter } from '../byte-writer';
import { encodeHeader, headerCrc, type Identity } from '../file-header';
import { crc32 } from '../checksums';
import { appendFrame } from '../frame';
import { type Lease } from '../mvcc/leases';
import { type Tree } from '../mvcc/keyspace';
import { type Version } from '../mvcc/version';
import { encodeMembership } from '../replication/member-codec';
import { type StateMachine } from '../state-machine';
import { ALARM_CORRUPT, SectionType } from './snapshot-file';

/** A section ends when it has grown to this: half a millisecond's work. */
const SECTION_BYTES = 256 * 1024;
const SECTION_VERSIONS = 2_000;

/** The state at one index. Only the tree is shared with the living state, which copies what it changes. */
export interface Picture {
  readonly index: number;
  readonly term: number;
  readonly revision: number;
  readonly compactRevision: number;
  readonly leases: readonly Pick<Lease, 'id' | 'ttl' | 'remaining'>[];
  /** As bytes; undefined: a store of one member that nobody has named. */
  readonly membership: Buffer | undefined;
  /** As bytes; undefined: nobody has changed anything about users and roles. */
  readonly auth: Buffer | undefined;
  readonly alarms: readonly Alarm[];
  readonly tree: Tree;
}

/** In one step. Compaction has to be held until the picture has been written. */
export function takePicture(machine: StateMachine): Picture {
  return {
    index: machine.appliedIndex,
    term: machine.appliedTerm,
    revision: machine.keyspace.revision,
    compactRevision: machine.keyspace.compactRevision,
    leases: Array.from(machine.leases.all(), ({ id, ttl, remaining }) => ({ id, ttl, remaining })),
    membership: machine.membership.isEmpty ? undefined : encodeMembership(machine.membership),
    auth: authOf(machine),
    alarms: machine.alarms.list(),
    tree: machine.keyspace.picture(),
  };
}

function authOf({ auth }: StateMachine): Buffer | undefined {
  if (auth.revision === 1 && !auth.isEnabled) return undefined;
  const writer = new ByteWriter();
  writeAuthState(writer, auth);
  return writer.toBuffer();
}

/**
 * A snapshot's bytes: header and sections, each a step of its own and valid until the next is asked for.
 *
 * @param isKept sections stay valid: versions move into them, and whatever memory they had is free
 */
export function* snapshotSections(identity: Identity, picture: Picture, isKept = false): Generator<Buffer> {
  const header = encodeHeader('snapshot', {
    clusterId: identity.clusterId,
    memberId: identity.memberId,
    position: BigInt(picture.index),
    detail: BigInt(picture.term),
    previousCrc: 0,
  });
  const salt = headerCrc(header);
  const writer = new ByteWriter(2 * SECTION_BYTES);
  let crc = salt;
  const section = (type: number, body: () => void): Buffer => {
    writer.reset();
    crc = appendFrame(writer, { type, after: { crc, salt, checksum: crc32 } }, body);
    return isKept ? writer.toBuffer() : writer.view();
  };

  yield header;
  yield section(SectionType.state, () => writeState(writer, picture));
  const { membership } = picture;
  if (membership !== undefined) yield section(SectionType.membership, () => writer.raw(membership));
  const { auth, alarms } = picture;
  if (auth !== undefined) yield section(SectionType.auth, () => writer.raw(auth));
  if (alarms.length > 0) yield section(SectionType.alarms, () => writeAlarms(writer, alarms));
  const heads: Iterator<Version, undefined> = picture.tree.values();
  let versions = chainOf(heads.next().value);
  let keys = 0;
  while (versions.length > 0) {
    const [moved, places]: [Version[], number[]] = [[], []];
    const hasRoom = (): boolean => moved.length < SECTION_VERSIONS && writer.length < SECTION_BYTES;
    const memory = section(SectionType.keys, () => {
      while (versions.length > 0 && hasRoom()) {
        // A key whose versions do not fit goes on in the next section, where it is named again.
        writer.key(versions[0]!.key);
        writer.varint(versions.length);
        while (versions.length > 0 && hasRoom()) {
          const version = versions.pop()!;
          moved.push(version);
          places.push(version.write(writer));
        }
        if (versions.length > 0) return;
        keys++;
        versions = chainOf(heads.next().value);
      }
    });
    if (isKept) for (const [at, version] of moved.entries()) version.moveTo(memory, places[at]!);
    yield memory;
  }
  yield section(SectionType.end, () => writer.varint(keys));
}

function writeState(writer: ByteWriter, picture: Picture): void {
  writer.varint(picture.revision);
  // -1 is "never".
  writer.varint(picture.compactRevision + 1);
  writer.varint(picture.leases.length);
  for (const { id, ttl, remaining } of picture.leases) {
    writer.u64(id);
    writer.varint(ttl);
    writer.varint(remaining);
  }
}

function writeAlarms(writer: ByteWriter, alarms: readonly Alarm[]): void {
  for (const { type, memberId } of alarms) {
    writer.u8(type === 'corrupt' ? ALARM_CORRUPT : 0);
    writer.u64(memberId);
  }
}

/** A key's versions, newest first. */
function chainOf(head: Version | undefined): Version[] {
  const versions: Version[] = [];
  for (let version = head; version !== undefined; version = version.previous) versions.push(version);
  return versions;
}
