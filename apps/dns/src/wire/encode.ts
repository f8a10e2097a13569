import { ipBytes } from '#network';
import { CLASS_IN, rcodes, types, type Rcode } from './constants';
import { type Query } from './query';
import { type DnsRecord } from './records';

export interface RecordsAnswer {
  readonly rcode: Rcode;
  readonly isAuthoritative: boolean;
  readonly answers: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
  readonly additionals?: readonly DnsRecord[];
}

/** What we say we can receive: the size that passes everywhere unfragmented (DNS flag day 2020). */
const OUR_UDP_SIZE = 1232;

/** How large an answer over UDP may be. */
export function udpLimit({ edns }: Query): number {
  return edns === undefined ? 512 : Math.min(edns.udpSize, 4096);
}

/**
 * Encodes an answer of at most `limit` bytes: additional records are left out first, silently; then authorities and answers,
 * with the flag TC, upon which clients ask again over TCP.
 */
export function encodeAnswer(query: Query, answer: RecordsAnswer, limit: number): Buffer {
  const { answers, authorities = [], additionals = [] } = answer;
  return (
    write(query, answer, [answers, authorities, additionals], limit) ??
    write(query, answer, [answers, authorities, []], limit) ??
    truncate(query, answer, limit)
  );
}

/** A header with an error code, for messages that could not be read. */
export function encodeError(id: number, opcode: number, rcode: Rcode): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(0x8000 | (opcode << 11) | (rcodes[rcode] & 15), 2);
  return header;
}

/** @returns undefined if it does not fit, found out as soon as it does not */
function write(
  query: Query,
  answer: RecordsAnswer,
  sections: readonly (readonly DnsRecord[])[],
  limit: number,
): Buffer | undefined {
  const writer = new Writer(query, answer, limit);
  if (!writer.hasRoom || !sections.flat().every((record) => writer.record(record))) return undefined;
  return writer.finish(
    sections.map(({ length }) => length),
    0,
  );
}

/** As many answers as fit, with the flag TC. */
function truncate(query: Query, answer: RecordsAnswer, limit: number): Buffer {
  const writer = new Writer(query, answer, limit);
  const firstLeftOut = answer.answers.findIndex((record) => !writer.record(record));
  return writer.finish([firstLeftOut < 0 ? answer.answers.length : firstLeftOut, 0, 0], TRUNCATED);
}

const TRUNCATED = 0x0200;
/** The record that answers EDNS: root, type, size, flags, no data. */
const OPT_SIZE = 11;

class Writer {
  private readonly parts: number[] = [];
  /** Where names, and ends of names, have been written: lower-case text to offset. */
  private readonly offsets = new Map<string, number>();
  private readonly question: Buffer;

  constructor(
    private readonly query: Query,
    private readonly answer: RecordsAnswer,
    private readonly limit: number,
  ) {
    this.question = query.question;
    this.remember(query.name, 12);
  }

  get hasRoom(): boolean {
    const opt = this.query.edns === undefined ? 0 : OPT_SIZE;
    return 12 + this.question.length + this.parts.length + opt <= this.limit;
  }

  /** @returns false if there was no room for it: then it is not there, and nothing more may be added. */
  record(record: DnsRecord): boolean {
    const start = this.parts.length;
    this.write(record);
    if (!this.hasRoom) this.parts.length = start;
    return this.parts.length > start;
  }

  /** @param counts of answers, authorities and additionals */
  finish(counts: readonly number[], flags: number): Buffer {
    const { id, isRecursionDesired, edns } = this.query;
    const { isAuthoritative } = this.answer;
    const code = rcodes[this.answer.rcode];
    const [answers = 0, authorities = 0, additionals = 0] = counts;
    if (edns !== undefined) this.opt(code >> 4);
    const head = Buffer.alloc(12);
    const asked = isRecursionDesired ? 0x0100 : 0;
    const all = 0x8000 | (isAuthoritative ? 0x0400 : 0) | flags | asked | 0x0080 | (code & 15);
    const extra = additionals + (edns === undefined ? 0 : 1);
    [id, all, 1, answers, authorities, extra].forEach((value, i) => head.writeUInt16BE(value, i * 2));
    return Buffer.concat([head, this.question, Buffer.from(this.parts)]);
  }

  private write(record: DnsRecord): void {
    this.name(record.name);
    this.u16(types[record.type]);
    this.u16(CLASS_IN);
    this.u32(record.ttl);
    const at = this.parts.length;
    this.u16(0);
    this.data(record);
    const size = this.parts.length - at - 2;
    this.parts[at] = size >> 8;
    this.parts[at + 1] = size & 255;
  }

  private opt(extendedRcode: number): void {
    this.parts.push(0);
    this.u16(types.OPT);
    this.u16(OUR_UDP_SIZE);
    this.parts.push(extendedRcode, 0, 0, 0);
    this.u16(0);
  }

  private data(record: DnsRecord): void {
    switch (record.type) {
      case 'A':
      case 'AAAA':
        this.parts.push(...(ipBytes(record.address) ?? []));
        break;
      case 'TXT': {
        const bytes = Buffer.from(record.text, 'latin1').subarray(0, 255);
        this.parts.push(bytes.length, ...bytes);
        break;
      }
      case 'SRV':
        this.u16(record.priority);
        this.u16(record.weight);
        this.u16(record.port);
        // RFC 2782: the target is not compressed.
        this.name(record.target, false);
        break;
      case 'SOA':
        this.name(record.primary);
        this.name(record.mailbox);
        for (const n of [record.serial, record.refresh, record.retry, record.expire, record.minimum]) this.u32(n);
        break;
      default:
        this.name(record.target);
    }
  }

  private name(name: string, isCompressed = true): void {
    const labels = name === '' ? [] : name.split('.');
    for (const [i, label] of labels.entries()) {
      const rest = labels.slice(i).join('.').toLowerCase();
      const known = isCompressed ? this.offsets.get(rest) : undefined;
      if (known !== undefined) return this.u16(0xc000 | known);
      const here = 12 + this.question.length + this.parts.length;
      if (here < 0x4000 && !this.offsets.has(rest)) this.offsets.set(rest, here);
      const bytes = Buffer.from(label, 'latin1');
      this.parts.push(bytes.length, ...bytes);
    }
    this.parts.push(0);
  }

  /** A name that stands uncompressed at `offset`, and all its ends. */
  private remember(name: string, offset: number): void {
    // Escaped labels have another length on the wire.
    if (name === '' || name.includes('\\')) return;
    const labels = name.split('.');
    let at = offset;
    for (const [i, label] of labels.entries()) {
      this.offsets.set(labels.slice(i).join('.'), at);
      at += label.length + 1;
    }
  }

  private u16(value: number): void {
    this.parts.push((value >> 8) & 255, value & 255);
  }

  private u32(value: number): void {
    this.parts.push((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
  }
}
