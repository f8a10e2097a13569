import { etcdserverpb } from '#etcd';
import {
  type Compare,
  type DeleteRangeRequest,
  type Key,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  StoreError,
  type TxnRequest,
} from '#store';

/** etcd's messages as requests to the store. Whatever a client sends is either understood as etcd does or refused. */

export function keyOf(bytes: Uint8Array): Key {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Numbers beyond 2^53 are as good as infinite: no revision gets there. */
function toNumber(value: bigint): number {
  return value > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(value);
}

/** As `toNumber` where etcd takes what is negative for 0. */
function toCount(value: bigint): number {
  return value < 0n ? 0 : toNumber(value);
}

function rangeEndOf({ rangeEnd }: { rangeEnd: Uint8Array }): { rangeEnd?: Key } {
  return rangeEnd.length === 0 ? {} : { rangeEnd: keyOf(rangeEnd) };
}

const { RangeRequest_SortOrder, RangeRequest_SortTarget, Compare_CompareResult, Compare_CompareTarget } = etcdserverpb;

const sortTargets: Readonly<Partial<Record<number, NonNullable<RangeRequest['sort']>['target']>>> = {
  [RangeRequest_SortTarget.KEY]: 'key',
  [RangeRequest_SortTarget.VERSION]: 'version',
  [RangeRequest_SortTarget.CREATE]: 'create',
  [RangeRequest_SortTarget.MOD]: 'mod',
  [RangeRequest_SortTarget.VALUE]: 'value',
};

const sortOrders: Readonly<Partial<Record<number, NonNullable<RangeRequest['sort']>['order']>>> = {
  [RangeRequest_SortOrder.NONE]: 'none',
  [RangeRequest_SortOrder.ASCEND]: 'ascend',
  [RangeRequest_SortOrder.DESCEND]: 'descend',
};

export function fromRange(request: etcdserverpb.RangeRequest): RangeRequest {
  return {
    key: keyOf(request.key),
    ...rangeEndOf(request),
    limit: toCount(request.limit),
    revision: toCount(request.revision),
    serializable: request.serializable,
    keysOnly: request.keysOnly,
    countOnly: request.countOnly,
    minModRevision: toCount(request.minModRevision),
    maxModRevision: toNumber(request.maxModRevision),
    minCreateRevision: toCount(request.minCreateRevision),
    maxCreateRevision: toNumber(request.maxCreateRevision),
    ...sortOf(request),
  };
}

function sortOf({ sortOrder, sortTarget }: etcdserverpb.RangeRequest): Pick<RangeRequest, 'sort'> {
  const target = sortTargets[sortTarget];
  const order = sortOrders[sortOrder];
  if (target === undefined || order === undefined) {
    throw new StoreError('invalid-argument', 'etcdserver: invalid sort option');
  }
  // Keys are in ascending order anyway.
  return target === 'key' && order !== 'descend' ? {} : { sort: { target, order } };
}

export function fromPut(request: etcdserverpb.PutRequest): PutRequest {
  const { value, lease, prevKv, ignoreValue, ignoreLease } = request;
  return { key: keyOf(request.key), value, lease, prevKv, ignoreValue, ignoreLease };
}

export function fromDeleteRange(request: etcdserverpb.DeleteRangeRequest): DeleteRangeRequest {
  return { key: keyOf(request.key), ...rangeEndOf(request), prevKv: request.prevKv };
}

export function fromTxn(request: etcdserverpb.TxnRequest): TxnRequest {
  return {
    compare: request.compare.map(fromCompare),
    success: request.success.map(fromOperation),
    failure: request.failure.map(fromOperation),
  };
}

function fromOperation({ request }: etcdserverpb.RequestOp): RequestOp {
  switch (request?.$case) {
    case 'requestRange':
      return { type: 'range', request: fromRange(request.requestRange) };
    case 'requestPut':
      return { type: 'put', request: fromPut(request.requestPut) };
    case 'requestDeleteRange':
      return { type: 'delete', request: fromDeleteRange(request.requestDeleteRange) };
    case 'requestTxn':
      return { type: 'txn', request: fromTxn(request.requestTxn) };
    case undefined:
      // etcd's answer to an operation that is none.
      throw new StoreError('key-not-found', 'etcdserver: key not found');
  }
}

const compareResults: Readonly<Partial<Record<number, Compare['result']>>> = {
  [Compare_CompareResult.EQUAL]: 'equal',
  [Compare_CompareResult.GREATER]: 'greater',
  [Compare_CompareResult.LESS]: 'less',
  [Compare_CompareResult.NOT_EQUAL]: 'not-equal',
};

const compareTargets: Readonly<Partial<Record<number, Compare['target']>>> = {
  [Compare_CompareTarget.VERSION]: 'version',
  [Compare_CompareTarget.CREATE]: 'create',
  [Compare_CompareTarget.MOD]: 'mod',
  [Compare_CompareTarget.VALUE]: 'value',
  [Compare_CompareTarget.LEASE]: 'lease',
};

function fromCompare(compare: etcdserverpb.Compare): Compare {
  const target = compareTargets[compare.target];
  const result = compareResults[compare.result];
  if (target === undefined || result === undefined) throw new StoreError('invalid-argument', 'unknown comparison');
  return { key: keyOf(compare.key), ...rangeEndOf(compare), target, result, operand: operandOf(target, compare) };
}

/** An operand for another target than the named one counts for nothing, as one that is left out. */
function operandOf(target: Compare['target'], { targetUnion }: etcdserverpb.Compare): bigint | Uint8Array {
  switch (target) {
    case 'version':
      return targetUnion?.$case === 'version' ? targetUnion.version : 0n;
    case 'create':
      return targetUnion?.$case === 'createRevision' ? targetUnion.createRevision : 0n;
    case 'mod':
      return targetUnion?.$case === 'modRevision' ? targetUnion.modRevision : 0n;
    case 'lease':
      return targetUnion?.$case === 'lease' ? targetUnion.lease : 0n;
    case 'value':
      return targetUnion?.$case === 'value' ? targetUnion.value : new Uint8Array();
  }
}

/** @throws StoreError `compacted` for what is below every revision, as etcd */
export function fromCompaction({ revision }: etcdserverpb.CompactionRequest): number {
  if (revision < 0n) throw new StoreError('compacted', 'etcdserver: mvcc: required revision has been compacted');
  return toNumber(revision);
}

/** @returns seconds; what is too much stays too much */
export function fromLeaseTtl(ttl: bigint): number {
  return toCount(ttl);
}

/** @returns 0: from the next change on */
export function fromStartRevision(revision: bigint): number {
  // etcd takes a negative revision for a long gone one.
  return revision < 0n ? 1 : toNumber(revision);
}
