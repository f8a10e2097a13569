import { ByteReader } from '../byte-reader';
import { ByteWriter } from '../byte-writer';
import { readMember, readUrls, writeMember, writeUrls } from './member-codec';
import { type MemberChange } from './membership';

/** Whose proposal an entry is: members wait for their own to be applied. 0n: nobody's. */
export interface RequestId {
  readonly memberId: bigint;
  /** Below 2^53 and never used twice by a member, over restarts too. */
  readonly sequence: number;
}

export const NOBODY: RequestId = { memberId: 0n, sequence: 0 };

/** In the place of a command's code: a change of a member that Raft has no part in. */
const MEMBER_CHANGE = 0xff;
const CHANGES = ['add', 'remove', 'promote', 'update', 'publish'] as const;

const scratch = new ByteWriter(64);

/** What an entry's data begins with: member id u64, sequence varint. Valid until the next call. */
export function encodeRequestId({ memberId, sequence }: RequestId): Buffer {
  scratch.reset();
  scratch.u64(memberId);
  scratch.varint(sequence);
  return scratch.view();
}

export function encodeMemberChange(id: RequestId, change: MemberChange): Buffer {
  const writer = new ByteWriter(1024);
  writer.u64(id.memberId);
  writer.varint(id.sequence);
  writer.u8(MEMBER_CHANGE);
  writer.u8(CHANGES.indexOf(change.type));
  if (change.type === 'add') writeMember(writer, change.member);
  else {
    writer.u64(change.id);
    if (change.type === 'update') writeUrls(writer, change.peerUrls);
    if (change.type === 'publish') {
      writer.bytes(Buffer.from(change.name));
      writeUrls(writer, change.clientUrls);
    }
  }
  return writer.toBuffer();
}

export interface EntryData {
  /** Present: the entry changes a member. */
  readonly change?: MemberChange;
  /** Absent that, where in the data a command begins. */
  readonly start: number;
}

/** @throws RangeError for what is not an entry's data */
export function decodeEntryData(data: Buffer): EntryData {
  const reader = new ByteReader(data);
  reader.skip(8);
  reader.varint();
  const start = reader.position;
  return data[start] === MEMBER_CHANGE ? { start, change: readChange(new ByteReader(data, start + 1)) } : { start };
}

function readChange(reader: ByteReader): MemberChange {
  const type = CHANGES[reader.u8()];
  switch (type) {
    case 'add':
      return { type, member: readMember(reader) };
    case 'remove':
    case 'promote':
      return { type, id: reader.u64() };
    case 'update':
      return { type, id: reader.u64(), peerUrls: readUrls(reader) };
    case 'publish':
      return { type, id: reader.u64(), name: reader.bytes().toString(), clientUrls: readUrls(reader) };
    case undefined:
  }
  throw new RangeError('unknown kind of member change');
}
