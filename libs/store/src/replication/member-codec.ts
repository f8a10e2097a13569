import { ByteReader } from '../byte-reader';
import { ByteWriter } from '../byte-writer';
import { type Member, Membership } from './membership';

export function writeMember(writer: ByteWriter, member: Member): void {
  writer.u64(member.id);
  writer.u8(member.isLearner ? 1 : 0);
  writer.bytes(Buffer.from(member.name));
  writeUrls(writer, member.peerUrls);
  writeUrls(writer, member.clientUrls);
}

export function readMember(reader: ByteReader): Member {
  return {
    id: reader.u64(),
    isLearner: reader.u8() === 1,
    name: reader.bytes().toString(),
    peerUrls: readUrls(reader),
    clientUrls: readUrls(reader),
  };
}

export function writeUrls(writer: ByteWriter, urls: readonly string[]): void {
  writer.varint(urls.length);
  for (const url of urls) writer.bytes(Buffer.from(url));
}

export function readUrls(reader: ByteReader): string[] {
  return readMany(reader, () => reader.bytes().toString());
}

/** Who is in the cluster, in a snapshot and for who wants to join. */
export function encodeMembership(membership: Membership): Buffer {
  const writer = new ByteWriter(4096);
  const members = membership.list();
  writer.varint(members.length);
  for (const member of members) writeMember(writer, member);
  writer.varint(membership.removed.size);
  for (const id of membership.removed) writer.u64(id);
  return writer.toBuffer();
}

export function decodeMembership(reader: ByteReader): Membership {
  const membership = new Membership();
  for (const member of readMany(reader, () => readMember(reader))) membership.members.set(member.id, member);
  for (const id of readMany(reader, () => reader.u64())) membership.removed.add(id);
  return membership;
}

/** What a member says of its cluster to who asks before joining. */
export interface ClusterDescription {
  readonly clusterId: bigint;
  readonly membership: Membership;
}

export function encodeDescription({ clusterId, membership }: ClusterDescription): Buffer {
  const writer = new ByteWriter(4096);
  writer.u64(clusterId);
  writer.raw(encodeMembership(membership));
  return writer.toBuffer();
}

/** @throws RangeError */
export function decodeDescription(data: Buffer): ClusterDescription {
  const reader = new ByteReader(data);
  return { clusterId: reader.u64(), membership: decodeMembership(reader) };
}

function readMany<T>(reader: ByteReader, read: () => T): T[] {
  const list: T[] = [];
  for (let left = reader.varint(); left > 0; left--) list.push(read());
  return list;
}
