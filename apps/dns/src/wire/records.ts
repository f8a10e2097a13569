import { readName, skipName, WireError } from './names';

/** A record that this server makes. Names without the last dot; TTL in seconds. */
export type DnsRecord = { readonly name: string; readonly ttl: number } & (
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'CNAME' | 'PTR' | 'NS'; readonly target: string }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | { readonly type: 'TXT'; readonly text: string }
  | {
      readonly type: 'SOA';
      readonly primary: string;
      readonly mailbox: string;
      readonly serial: number;
      readonly refresh: number;
      readonly retry: number;
      readonly expire: number;
      readonly minimum: number;
    }
);

/** A record of a received message; its name and data stay where they are. */
export interface RawRecord {
  readonly nameOffset: number;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly ttlOffset: number;
  readonly dataOffset: number;
  readonly end: number;
}

/** @throws WireError if there is no whole record */
export function readRecord(message: Buffer, offset: number): RawRecord {
  // Not read: a message full of long names that are compressed to nothing would take long.
  const end = skipName(message, offset);
  if (end + 10 > message.length) throw new WireError('record ends early');
  const dataOffset = end + 10;
  const last = dataOffset + message.readUInt16BE(end + 8);
  if (last > message.length) throw new WireError('record data end early');
  return {
    nameOffset: offset,
    type: message.readUInt16BE(end),
    class: message.readUInt16BE(end + 2),
    ttl: message.readUInt32BE(end + 4),
    ttlOffset: end + 4,
    dataOffset,
    end: last,
  };
}

/** What an answer of another server consists of. */
export interface ReceivedAnswer {
  readonly id: number;
  readonly rcode: number;
  readonly isTruncated: boolean;
  readonly question: Buffer;
  readonly answers: readonly RawRecord[];
  readonly authorities: readonly RawRecord[];
  readonly additionals: readonly RawRecord[];
}

/** Reads the answer of another server. @throws WireError if it is not a well-formed answer to one question */
export function readAnswer(message: Buffer): ReceivedAnswer {
  if (message.length < 12) throw new WireError('message ends early');
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) === 0 || message.readUInt16BE(4) !== 1) throw new WireError('not an answer');
  const { end } = readName(message, 12);
  let at = end + 4;
  if (at > message.length) throw new WireError('question ends early');
  const section = (count: number): RawRecord[] => {
    const records: RawRecord[] = [];
    for (let i = 0; i < count; i++) {
      const record = readRecord(message, at);
      records.push(record);
      at = record.end;
    }
    return records;
  };
  return {
    id: message.readUInt16BE(0),
    rcode: flags & 15,
    isTruncated: (flags & 0x0200) !== 0,
    question: message.subarray(12, end + 4),
    answers: section(message.readUInt16BE(6)),
    authorities: section(message.readUInt16BE(8)),
    additionals: section(message.readUInt16BE(10)),
  };
}
