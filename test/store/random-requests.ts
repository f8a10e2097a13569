import { type Client } from '@grpc/grpc-js';
import { etcdserverpb, kvService, leaseService } from '#etcd';
import { type Random } from '#testing';
import { ask, bytes } from './raw-client';

const { RangeRequest, PutRequest, DeleteRangeRequest, TxnRequest, CompactionRequest, LeaseTimeToLiveRequest } =
  etcdserverpb;

/** Few, so that requests meet. */
const KEYS = ['a', 'aa', 'b', 'b\xff', 'c', '\xff'];
const RANGE_ENDS = ['', '', '', '\0', 'b', 'c', 'a', 'z'];
const VALUES = ['', '1', '2', '10'];
/** The last is granted by nobody. */
const LEASES = [1n, 2n, 3n];
const MOST_DEEP = 2;

/** A request, as it can be read, and how it is made. */
export type Asked = readonly [string, (client: Client) => Promise<unknown>];

/** Requests of every kind, with every option, most of which make sense: what a seed decides. */
export class RandomRequests {
  /** More or less. */
  private revision = 1;

  constructor(private readonly random: Random) {}

  next(): Asked {
    const { random } = this;
    if (random.chance(0.28)) return called('txn', kvService.txn, this.txn(0));
    const made = random.next();
    if (made < 0.4) return called('put', kvService.put, this.put());
    if (made < 0.52) return called('delete', kvService.deleteRange, this.deleteRange());
    if (made < 0.88) return called('range', kvService.range, this.range());
    if (made < 0.9) return called('compact', kvService.compact, this.compaction());
    const ID = random.one(LEASES);
    if (made < 0.94) return called('grant', leaseService.leaseGrant, { ID, TTL: 600n });
    if (made < 0.97) return called('revoke', leaseService.leaseRevoke, { ID });
    const request = LeaseTimeToLiveRequest.create({ ID, keys: random.chance(0.8) });
    return called('time to live', leaseService.leaseTimeToLive, request);
  }

  private put(): etcdserverpb.PutRequest {
    const { random } = this;
    this.revision++;
    const [ignoreValue, ignoreLease] = [random.chance(0.1), random.chance(0.1)];
    return PutRequest.create({
      key: bytes(random.chance(0.02) ? '' : random.one(KEYS)),
      value: bytes(ignoreValue && random.chance(0.8) ? '' : random.one(VALUES)),
      lease: (ignoreLease ? random.chance(0.2) : random.chance(0.3)) ? random.one(LEASES) : 0n,
      prevKv: random.chance(0.5),
      ignoreValue,
      ignoreLease,
    });
  }

  private deleteRange(): etcdserverpb.DeleteRangeRequest {
    return DeleteRangeRequest.create({ ...this.keys(), prevKv: this.random.chance(0.5) });
  }

  private range(): etcdserverpb.RangeRequest {
    const { random } = this;
    const revision = (): bigint => BigInt(random.between(0, this.revision + 2));
    const bound = (): bigint => (random.chance(0.15) ? revision() : 0n);
    return RangeRequest.create({
      ...this.keys(),
      limit: random.chance(0.4) ? BigInt(random.between(1, 3)) : 0n,
      revision: random.chance(0.3) ? BigInt(random.between(Math.max(0, this.revision - 30), this.revision + 1)) : 0n,
      sortOrder: random.below(3),
      sortTarget: random.below(5),
      serializable: random.chance(0.2),
      keysOnly: random.chance(0.1),
      countOnly: random.chance(0.1),
      minModRevision: bound(),
      maxModRevision: bound(),
      minCreateRevision: bound(),
      maxCreateRevision: bound(),
    });
  }

  private txn(depth: number): etcdserverpb.TxnRequest {
    const { random } = this;
    const few = <T>(make: () => T): T[] => Array.from({ length: random.below(4) }, make);
    return TxnRequest.create({
      compare: few(() => this.compare()).slice(0, 2),
      success: few(() => this.operation(depth)),
      failure: few(() => this.operation(depth)),
    });
  }

  private compare(): etcdserverpb.Compare {
    const { random } = this;
    const [target, number] = [random.below(5), BigInt(random.one([0, 1, 2, 3, this.revision - 1, this.revision]))];
    return etcdserverpb.Compare.create({
      ...this.keys(),
      result: random.below(4),
      target,
      targetUnion: random.chance(0.03)
        ? undefined
        : random.one(
            [
              { $case: 'version', version: number } as const,
              { $case: 'createRevision', createRevision: number } as const,
              { $case: 'modRevision', modRevision: number } as const,
              { $case: 'value', value: bytes(random.one(VALUES)) } as const,
              { $case: 'lease', lease: random.one(LEASES) } as const,
            ].filter((_, position) => position === target || random.chance(0.02)),
          ),
    });
  }

  private operation(depth: number): etcdserverpb.RequestOp {
    const { random } = this;
    const made = random.next();
    if (made < 0.4) return { request: { $case: 'requestPut', requestPut: this.put() } };
    if (made < 0.55) return { request: { $case: 'requestDeleteRange', requestDeleteRange: this.deleteRange() } };
    if (made < 0.8 || depth === MOST_DEEP) return { request: { $case: 'requestRange', requestRange: this.range() } };
    return { request: { $case: 'requestTxn', requestTxn: this.txn(depth + 1) } };
  }

  private compaction(): etcdserverpb.CompactionRequest {
    const { random } = this;
    const revision = BigInt(random.between(Math.max(0, this.revision - 40), this.revision + 1));
    return CompactionRequest.create({ revision, physical: random.chance(0.5) });
  }

  private keys(): { readonly key: Buffer; readonly rangeEnd: Buffer } {
    const { random } = this;
    return { key: bytes(random.chance(0.05) ? '\0' : random.one(KEYS)), rangeEnd: bytes(random.one(RANGE_ENDS)) };
  }
}

function called<Request, Response>(
  name: string,
  method: Parameters<typeof ask<Request, Response>>[1],
  request: Request,
): Asked {
  const text = JSON.stringify(request, (_key, value: unknown) => {
    if (typeof value === 'bigint') return Number(value);
    const buffer = value as { type?: string; data?: number[] } | null;
    return buffer?.type === 'Buffer' ? Buffer.from(buffer.data ?? []).toString('latin1') : value;
  });
  return [`${name} ${text}`, (client) => ask(client, method, request)];
}
