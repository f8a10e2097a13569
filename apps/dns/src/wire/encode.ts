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
  const whole = write(query, answer, answers, authorities, additionals, false);
  if (whole.length <= limit) return whole;
  const lean = write(query, answer, answers, authorities, [], false);
  if (lean.length <= limit) return lean;
  // As many answers as fit: sizes grow with their number.
  let low = 0;
  let high = answers.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (write(query, answer, answers.slice(0, middle), [], [], true).length <= limit) low = middle;
    else high = middle - 1;
  }
  return write(query, answer, answers.slice(0, low), [], [], true);
}

/** A header with an error code, for messages that could not be read. */
export function encodeError(id: number, opcode: number, rcode: Rcode): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(0x8000 | (opcode << 11) | (rcodes[rcode] & 15), 2);
  return header;
}

function write(
  query: Query,
  { rcode, isAuthoritative }: RecordsAnswer,
  answers: readonly DnsRecord[],
  authorities: readonly DnsRecord[],
  additionals: readonly DnsRecord[],
  isTruncated: boolean,
): Buffer {
  const code = rcodes[rcode];
  const flags =
    0x8000 |
    (isAuthoritative ? 0x0400 : 0) |
    (isTruncated ? 0x0200 : 0) |
    (query.isRecursionDesired ? 0x0100 : 0) |
    0x0080 |
    (code & 15);
  const writer = new Writer(query);
  for (const record of [...answers, ...authorities, ...additionals]) writer.record(record);
  if (query.edns !== undefined) writer.opt(code >> 4);
  const extra = additionals.length + (query.edns === undefined ? 0 : 1);
  return writer.finish([query.id, flags, 1, answers.length, authorities.length, extra]);
}

class Writer {
  private readonly parts: number[] = [];
  /** Where names, and ends of names, have been written: lower-case text to offset. */
  private readonly offsets = new Map<string, number>();
  private readonly question: Buffer;

  constructor(query: Query) {
    this.question = query.question;
    this.remember(query.name, 12);
  }

  record(record: DnsRecord): void {
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

  opt(extendedRcode: number): void {
    this.parts.push(0);
    this.u16(types.OPT);
    this.u16(OUR_UDP_SIZE);
    this.parts.push(extendedRcode, 0, 0, 0);
    this.u16(0);
  }

  finish(header: readonly number[]): Buffer {
    const head = Buffer.alloc(12);
    header.forEach((value, i) => head.writeUInt16BE(value, i * 2));
    return Buffer.concat([head, this.question, Buffer.from(this.parts)]);
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
