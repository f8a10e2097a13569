import { type Handler } from '../handler';
import { rcodes } from '../wire/constants';
import { type Query } from '../wire/query';
import { readAnswer, type RawRecord } from '../wire/records';

export interface CacheOptions {
  readonly maxEntries: number;
  /** No answer is kept for longer, whatever its TTL says: seconds. */
  readonly maxTtl: number;
  readonly monotonic: () => number;
  readonly onLookup: (isHit: boolean) => void;
}

/** Longer answers are rare, and a few of them would take the memory of all others. */
const MAX_MESSAGE = 4096;

interface Entry {
  readonly message: Buffer;
  readonly ttlOffsets: readonly { readonly at: number; readonly ttl: number }[];
  readonly rcode: number;
  readonly storedAt: number;
  readonly expiresAt: number;
}

/** Remembers messages of other servers; TTLs count down while they are here. Records of the cluster are always computed. */
export function cache({ maxEntries, maxTtl, monotonic, onLookup }: CacheOptions): Handler {
  /** Least recently stored first. */
  const entries = new Map<string, Entry>();

  return async ({ query }, next) => {
    const key = keyOf(query);
    const now = monotonic();
    const entry = entries.get(key);
    const isHit = entry !== undefined && entry.expiresAt > now;
    onLookup(isHit);
    if (isHit) return { by: 'cache', kind: 'message', rcode: entry.rcode, message: replay(entry, query, now) };
    entries.delete(key);
    const answer = await next();
    if (answer.kind !== 'message') return answer;
    const fresh = entryFor(answer.message, maxTtl, monotonic());
    if (fresh !== undefined) {
      const [oldest] = entries.keys();
      if (entries.size >= maxEntries && oldest !== undefined) entries.delete(oldest);
      entries.set(key, fresh);
    }
    return answer;
  };
}

/** Everything of a query that an answer may depend on. */
function keyOf({ name, question, isRecursionDesired, isCheckingDisabled, edns }: Query): string {
  const typeAndClass = question.readUInt32BE(question.length - 4);
  return `${name} ${typeAndClass} ${Number(isRecursionDesired)}${Number(isCheckingDisabled)}${edns === undefined ? '' : Number(edns.isDnssecOk)}`;
}

function entryFor(message: Buffer, maxTtl: number, now: number): Entry | undefined {
  if (message.length > MAX_MESSAGE) return undefined;
  const { rcode, isTruncated, answers, authorities, additionals } = readAnswer(message);
  if (isTruncated || (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN)) return undefined;
  // OPT has flags in the place of a TTL.
  const timed = [...answers, ...authorities, ...additionals].filter(({ type }) => type !== 41);
  const deciding: readonly RawRecord[] = answers.length > 0 ? answers : authorities;
  // Without records there is nothing that says how long "no" holds (RFC 2308, 5).
  if (deciding.length === 0) return undefined;
  const ttl = Math.min(maxTtl, ...deciding.map((record) => record.ttl));
  if (ttl <= 0) return undefined;
  return {
    message,
    ttlOffsets: timed.map((record) => ({ at: record.ttlOffset, ttl: record.ttl })),
    rcode,
    storedAt: now,
    expiresAt: now + ttl * 1000,
  };
}

function replay({ message, ttlOffsets, storedAt }: Entry, query: Query, now: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(query.id, 0);
  query.question.copy(copy, 12);
  const age = Math.floor((now - storedAt) / 1000);
  for (const { at, ttl } of ttlOffsets) copy.writeUInt32BE(Math.max(0, ttl - age), at);
  return copy;
}
