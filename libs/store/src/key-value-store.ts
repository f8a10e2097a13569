/**
 * A key: a byte string, one UTF-16 code unit (0–255) a byte, so that string order is byte order as etcd defines it.
 * ASCII keys, all that the API server writes, look like themselves.
 */
export type Key = string;

/** One version of a key (etcd's `mvccpb.KeyValue`). A deletion in a watch event has only `key` and `modRevision`. */
export interface KeyValue {
  readonly key: Key;
  readonly value: Uint8Array;
  /** Revision of the creation of this generation of the key. */
  readonly createRevision: number;
  /** Revision of this version. */
  readonly modRevision: number;
  /** 1 at creation, +1 a change; a deletion starts over. */
  readonly version: number;
  /** 0: none. */
  readonly lease: bigint;
}

/** Which keys: one, or `[key, rangeEnd)`. `rangeEnd` of '\0' means every key from `key` on. */
export interface KeyRange {
  readonly key: Key;
  readonly rangeEnd?: Key;
}

export interface RangeRequest extends KeyRange {
  /** 0 or absent: no limit. */
  readonly limit?: number;
  /** 0 or absent: now. Older than the compaction or newer than the store: `StoreError`. */
  readonly revision?: number;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  /** Answer from this member's applied state without confirming leadership. */
  readonly serializable?: boolean;
  readonly sort?: {
    readonly target: 'key' | 'version' | 'create' | 'mod' | 'value';
    /** `none`, as etcd takes it: ascending, but of a page of `limit` in the order of keys, if that is all that is asked for. */
    readonly order: 'ascend' | 'descend' | 'none';
  };
  readonly minModRevision?: number;
  readonly maxModRevision?: number;
  readonly minCreateRevision?: number;
  readonly maxCreateRevision?: number;
}

export interface RangeResponse {
  /** Revision of the store when the answer was made. */
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  /** Keys in the range, whatever the limit. */
  readonly count: number;
}

export interface PutRequest {
  readonly key: Key;
  readonly value: Uint8Array;
  readonly lease?: bigint;
  readonly prevKv?: boolean;
  readonly ignoreValue?: boolean;
  readonly ignoreLease?: boolean;
}

export interface DeleteRangeRequest extends KeyRange {
  readonly prevKv?: boolean;
}

/** A condition on one key or range; a missing key has version, create and mod revision 0. */
export interface Compare extends KeyRange {
  readonly target: 'version' | 'create' | 'mod' | 'value' | 'lease';
  readonly result: 'equal' | 'greater' | 'less' | 'not-equal';
  readonly operand: number | bigint | Uint8Array;
}

export type RequestOp =
  | { readonly type: 'range'; readonly request: RangeRequest }
  | { readonly type: 'put'; readonly request: PutRequest }
  | { readonly type: 'delete'; readonly request: DeleteRangeRequest }
  | { readonly type: 'txn'; readonly request: TxnRequest };

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure?: readonly RequestOp[];
}

export interface PutResponse {
  readonly revision: number;
  readonly prevKv?: KeyValue;
}

export interface DeleteRangeResponse {
  readonly revision: number;
  readonly deleted: number;
  readonly prevKvs: readonly KeyValue[];
}

export type ResponseOp =
  | { readonly type: 'range'; readonly response: RangeResponse }
  | { readonly type: 'put'; readonly response: PutResponse }
  | { readonly type: 'delete'; readonly response: DeleteRangeResponse }
  | { readonly type: 'txn'; readonly response: TxnResponse };

export interface TxnResponse {
  readonly revision: number;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

export interface WatchRequest extends KeyRange {
  /** First revision to deliver; 0 or absent: from the next change on. */
  readonly startRevision?: number;
  readonly prevKv?: boolean;
  readonly filters?: readonly ('no-put' | 'no-delete')[];
}

export interface StoreEvent {
  readonly type: 'put' | 'delete';
  readonly kv: KeyValue;
  readonly prevKv?: KeyValue;
}

/** All of a transaction's events come in one batch, never split; batches come in revision order, each once. */
export interface WatchBatch {
  /** The store's revision that the batch brings the watcher to. */
  readonly revision: number;
  readonly events: readonly StoreEvent[];
}

export interface WatchHandler {
  /**
   * Called in order, one call at a time. A store in this process calls it before the promise of the write that caused the batch
   * resolves; one behind a network when the news arrives, which may be after that. Must not throw.
   */
  onBatch(batch: WatchBatch): void;
  /** The watch is over: compacted (`StoreError` code `compacted`), store closed, or connection lost beyond repair. Not called after `cancel`. */
  onEnd(error: Error): void;
}

export interface Watch {
  /** Every change up to this revision has been delivered, if it was asked for. 0: not known yet. */
  readonly revision: number;
  cancel(): void;
}

export interface LeaseStatus {
  readonly id: bigint;
  /** Seconds left; -1: unknown or expired. */
  readonly ttl: number;
  readonly grantedTtl: number;
  readonly keys: readonly Key[];
}

export interface StoreStatus {
  readonly revision: number;
  /** Absent where the server does not tell: etcd's API has no such answer. */
  readonly compactRevision?: number;
  /** Raft's. */
  readonly term: number;
  readonly appliedIndex: number;
  /** Bytes of keys and values held. */
  readonly size: number;
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** Member that leads; 0n: nobody that is known. Absent where the server does not tell, as are the others. */
  readonly leader?: bigint;
  /** Last entry known to be committed. */
  readonly raftIndex?: number;
  readonly isLearner?: boolean;
  /** What keeps this member from its work. */
  readonly errors?: readonly string[];
}

export type StoreErrorCode =
  | 'compacted'
  | 'future-revision'
  | 'lease-not-found'
  | 'lease-exists'
  | 'key-not-found'
  | 'duplicate-key'
  | 'too-many-operations'
  | 'request-too-large'
  | 'empty-key'
  | 'invalid-argument'
  | 'failed-precondition'
  | 'not-found'
  | 'permission-denied'
  | 'unauthenticated'
  | 'no-space'
  | 'corrupt'
  | 'unavailable'
  | 'closed';

/** Messages are etcd's (`etcdserver: mvcc: required revision has been compacted`). */
export class StoreError extends Error {
  override readonly name = 'StoreError';

  constructor(
    readonly code: StoreErrorCode,
    message: string,
    /** For `compacted`: the compaction's revision. */
    readonly compactRevision?: number,
  ) {
    super(message);
  }
}

/**
 * The cluster's state: etcd v3's data model. Writes are atomic, totally ordered by revision, and durable before they are
 * acknowledged, readable or watchable. Every promise rejects with `StoreError`.
 */
export interface KeyValueStore {
  range(request: RangeRequest): Promise<RangeResponse>;
  put(request: PutRequest): Promise<PutResponse>;
  deleteRange(request: DeleteRangeRequest): Promise<DeleteRangeResponse>;
  /** Compares, then runs `success` or `failure` as one step with one revision. */
  txn(request: TxnRequest): Promise<TxnResponse>;
  /** Forgets versions superseded at or before `revision`. */
  compact(revision: number): Promise<void>;
  /** Without `startRevision` it sees every write that is begun, through this same store, after the call. */
  watch(request: WatchRequest, handler: WatchHandler): Watch;
  /** @param ttl seconds; `id` 0n: the store chooses. */
  leaseGrant(ttl: number, id?: bigint): Promise<{ id: bigint; ttl: number }>;
  leaseRevoke(id: bigint): Promise<void>;
  /** @returns seconds that the lease now has. */
  leaseKeepAlive(id: bigint): Promise<number>;
  leaseStatus(id: bigint): Promise<LeaseStatus>;
  leases(): Promise<readonly bigint[]>;
  status(): Promise<StoreStatus>;
  close(): Promise<void>;
}
