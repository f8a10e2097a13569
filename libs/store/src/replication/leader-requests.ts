import { type Clock } from '#machinery';
import { ByteReader } from '../byte-reader';
import { ByteWriter } from '../byte-writer';
import { type LeaseStatus, StoreError, type StoreErrorCode } from '../key-value-store';
import { clusterErrors } from './cluster-errors';
import { type PeerTransport } from './peer-transport';
import { type Replicator } from './replicator';

/** What only the leader can answer, as it travels to it. The positions are the format: append, never reorder. */
const KINDS = ['keep-alive', 'lease-status', 'administration'] as const;
const OK = 0;
const REFUSED = 1;
/** Between attempts, while the leader is looked for. */
const RETRY_MS = 100;

export type LeaderRequest =
  | { readonly type: 'keep-alive' | 'lease-status'; readonly id: bigint }
  /** Opaque here. */
  | { readonly type: 'administration'; readonly body: Buffer };

export function encodeRequest(request: LeaderRequest): Buffer {
  const writer = new ByteWriter();
  writer.u8(KINDS.indexOf(request.type));
  if (request.type === 'administration') writer.raw(request.body);
  else writer.u64(request.id);
  return writer.toBuffer();
}

/** @throws RangeError */
export function decodeRequest(data: Buffer): LeaderRequest {
  const reader = new ByteReader(data);
  const type = KINDS[reader.u8()];
  if (type === undefined) throw new RangeError('unknown kind of request');
  return type === 'administration' ? { type, body: reader.rest() } : { type, id: reader.i64() };
}

export function encodeLeaseStatus({ id, ttl, grantedTtl, keys }: LeaseStatus): Buffer {
  const writer = new ByteWriter();
  writer.u64(id);
  writer.varint(ttl + 1);
  writer.varint(grantedTtl);
  writer.varint(keys.length);
  for (const key of keys) writer.key(key);
  return writer.toBuffer();
}

export function decodeLeaseStatus(data: Buffer): LeaseStatus {
  const reader = new ByteReader(data);
  const [id, ttl, grantedTtl] = [reader.i64(), reader.varint() - 1, reader.varint()];
  const keys: string[] = [];
  for (let left = reader.varint(); left > 0; left--) keys.push(reader.key());
  return { id, ttl, grantedTtl, keys };
}

/** An answer, or the refusal, as bytes: a refusal has to be the same for whoever asked whichever member. */
export async function encodeAnswer(work: () => Promise<Buffer>): Promise<Buffer> {
  try {
    return Buffer.concat([Buffer.of(OK), await work()]);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const writer = new ByteWriter();
    writer.u8(REFUSED);
    writer.key(error.code);
    writer.bytes(Buffer.from(error.message));
    return writer.toBuffer();
  }
}

/** @throws StoreError the refusal */
function decodeAnswer(data: Buffer): Buffer {
  const reader = new ByteReader(data);
  if (reader.u8() === OK) return reader.rest();
  throw new StoreError(reader.key() as StoreErrorCode, reader.bytes().toString());
}

/** Asks whoever leads, here or elsewhere, until somebody does or the time for a request is over. */
export class LeaderRequests {
  constructor(
    private readonly clock: Clock,
    private readonly replicator: Replicator,
    private readonly transport: PeerTransport | undefined,
  ) {}

  /**
   * @param here the answer if this member leads; rejects with `not leader` if it does not any more
   * @param mayRepeat after an attempt of which nobody knows what it did
   */
  async ask<T>(
    here: () => Promise<T>,
    request: LeaderRequest,
    decode: (answer: Buffer) => T,
    mayRepeat = true,
  ): Promise<T> {
    const deadline = this.clock.monotonic() + this.replicator.requestTimeoutMs;
    for (;;) {
      const { isLeader, leader } = this.replicator;
      const left = deadline - this.clock.monotonic();
      const failure = this.replicator.failure;
      if (failure !== undefined) throw failure;
      if (left <= 0) throw leader === 0n ? clusterErrors.noLeader() : clusterErrors.timeout();
      try {
        if (isLeader || this.transport === undefined) return await here();
        if (leader !== 0n)
          return decode(decodeAnswer(await this.transport.request(leader, encodeRequest(request), left)));
      } catch (error) {
        if (error instanceof StoreError && !isTransient(error)) throw error;
        if (!mayRepeat && !(error instanceof StoreError && error.message === NOT_LEADER)) throw clusterErrors.timeout();
      }
      await this.replicator.leaderChange(Math.min(RETRY_MS, left));
    }
  }
}

const NOT_LEADER = clusterErrors.notLeader().message;

function isTransient(error: StoreError): boolean {
  return error.message === NOT_LEADER || error.code === 'closed';
}
