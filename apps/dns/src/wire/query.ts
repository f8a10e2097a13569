import { CLASS_IN, types } from './constants';
import { lowerCase, readName, WireError } from './names';
import { readRecord } from './records';

export interface Query {
  readonly id: number;
  readonly isRecursionDesired: boolean;
  readonly isCheckingDisabled: boolean;
  /** Lower case. */
  readonly name: string;
  readonly type: number;
  readonly isInternet: boolean;
  /** The question section as it came: the answer repeats it, capitals included (clients check: "0x20"). */
  readonly question: Buffer;
  readonly edns?: { readonly udpSize: number; readonly version: number; readonly isDnssecOk: boolean };
  /** The whole message, for forwarding. */
  readonly message: Buffer;
}

export type ParsedQuery =
  | { readonly kind: 'query'; readonly query: Query }
  /** To be answered with an error and nothing else. */
  | { readonly kind: 'bad'; readonly id: number; readonly rcode: 'FORMERR' | 'NOTIMP'; readonly opcode: number }
  /** Not to be answered: a response, or too short to be anything. */
  | { readonly kind: 'ignore' };

const HEADER = 12;
/** A query has no use for more; a flood of records would only cost time. */
const MAX_EXTRA_RECORDS = 16;
/** As much as EDNS lets a client announce for answers of UDP; queries are a tenth of it. Only TCP brings more. */
const MAX_QUERY = 4096;

/** Reads a message of a client. Total: any bytes lead to one of the three outcomes. */
export function parseQuery(message: Buffer): ParsedQuery {
  if (message.length < HEADER) return { kind: 'ignore' };
  const id = message.readUInt16BE(0);
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) !== 0) return { kind: 'ignore' };
  const opcode = (flags >> 11) & 15;
  if (opcode !== 0) return { kind: 'bad', id, opcode, rcode: 'NOTIMP' };
  const bad = { kind: 'bad', id, opcode, rcode: 'FORMERR' } as const;
  const extra = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  if (message.readUInt16BE(4) !== 1 || extra > MAX_EXTRA_RECORDS || message.length > MAX_QUERY) return bad;
  try {
    const { name, end, length } = readName(message, HEADER);
    // There is nothing yet that a question's name could point at, and whoever repeats the question relies on its length.
    if (end + 4 > message.length || end - HEADER !== length) return bad;
    let edns: Query['edns'];
    for (let i = 0, at = end + 4; i < extra; i++) {
      const record = readRecord(message, at);
      at = record.end;
      if (record.type !== types.OPT) continue;
      if (edns !== undefined) return bad;
      const udpSize = Math.max(512, record.class);
      edns = { udpSize, version: (record.ttl >>> 16) & 255, isDnssecOk: (record.ttl & 0x8000) !== 0 };
    }
    const query: Query = {
      id,
      isRecursionDesired: (flags & 0x0100) !== 0,
      isCheckingDisabled: (flags & 0x0010) !== 0,
      name: lowerCase(name),
      type: message.readUInt16BE(end),
      isInternet: message.readUInt16BE(end + 2) === CLASS_IN,
      question: message.subarray(HEADER, end + 4),
      ...(edns === undefined ? {} : { edns }),
      message,
    };
    return { kind: 'query', query };
  } catch (error) {
    if (error instanceof WireError) return bad;
    throw error;
  }
}
