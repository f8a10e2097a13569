import { etcdserverpb } from '#etcd';
import {
  type Compare,
  type DeleteRangeRequest,
  type Key,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  type TxnRequest,
  type WatchRequest,
} from '../src/key-value-store';

/** Our requests as etcd's messages. They have been validated. */

export function keyBytes(key: Key | undefined): Uint8Array {
  return Buffer.from(key ?? '', 'latin1');
}

const { RangeRequest_SortOrder, RangeRequest_SortTarget, Compare_CompareResult, Compare_CompareTarget } = etcdserverpb;

const sortTargets = {
  key: RangeRequest_SortTarget.KEY,
  version: RangeRequest_SortTarget.VERSION,
  create: RangeRequest_SortTarget.CREATE,
  mod: RangeRequest_SortTarget.MOD,
  value: RangeRequest_SortTarget.VALUE,
};

const sortOrders = {
  none: RangeRequest_SortOrder.NONE,
  ascend: RangeRequest_SortOrder.ASCEND,
  descend: RangeRequest_SortOrder.DESCEND,
};

export function toRange(request: RangeRequest): etcdserverpb.RangeRequest {
  const { sort } = request;
  return {
    key: keyBytes(request.key),
    rangeEnd: keyBytes(request.rangeEnd),
    limit: BigInt(request.limit ?? 0),
    revision: BigInt(request.revision ?? 0),
    sortOrder: sortOrders[sort?.order ?? 'none'],
    sortTarget: sortTargets[sort?.target ?? 'key'],
    serializable: request.serializable ?? false,
    keysOnly: request.keysOnly ?? false,
    countOnly: request.countOnly ?? false,
    minModRevision: BigInt(request.minModRevision ?? 0),
    maxModRevision: BigInt(request.maxModRevision ?? 0),
    minCreateRevision: BigInt(request.minCreateRevision ?? 0),
    maxCreateRevision: BigInt(request.maxCreateRevision ?? 0),
  };
}

export function toPut(request: PutRequest): etcdserverpb.PutRequest {
  return {
    key: keyBytes(request.key),
    value: request.value,
    lease: request.lease ?? 0n,
    prevKv: request.prevKv ?? false,
    ignoreValue: request.ignoreValue ?? false,
    ignoreLease: request.ignoreLease ?? false,
  };
}

export function toDeleteRange(request: DeleteRangeRequest): etcdserverpb.DeleteRangeRequest {
  return { key: keyBytes(request.key), rangeEnd: keyBytes(request.rangeEnd), prevKv: request.prevKv ?? false };
}

export function toTxn(request: TxnRequest): etcdserverpb.TxnRequest {
  return {
    compare: request.compare.map(toCompare),
    success: request.success.map(toOperation),
    failure: (request.failure ?? []).map(toOperation),
  };
}

function toOperation(operation: RequestOp): etcdserverpb.RequestOp {
  switch (operation.type) {
    case 'range':
      return { request: { $case: 'requestRange', requestRange: toRange(operation.request) } };
    case 'put':
      return { request: { $case: 'requestPut', requestPut: toPut(operation.request) } };
    case 'delete':
      return { request: { $case: 'requestDeleteRange', requestDeleteRange: toDeleteRange(operation.request) } };
    case 'txn':
      return { request: { $case: 'requestTxn', requestTxn: toTxn(operation.request) } };
  }
}

const compareResults = {
  equal: Compare_CompareResult.EQUAL,
  greater: Compare_CompareResult.GREATER,
  less: Compare_CompareResult.LESS,
  'not-equal': Compare_CompareResult.NOT_EQUAL,
};

const compareTargets = {
  version: Compare_CompareTarget.VERSION,
  create: Compare_CompareTarget.CREATE,
  mod: Compare_CompareTarget.MOD,
  value: Compare_CompareTarget.VALUE,
  lease: Compare_CompareTarget.LEASE,
};

function toCompare(compare: Compare): etcdserverpb.Compare {
  return {
    key: keyBytes(compare.key),
    rangeEnd: keyBytes(compare.rangeEnd),
    result: compareResults[compare.result],
    target: compareTargets[compare.target],
    targetUnion: toOperand(compare),
  };
}

function toOperand({ target, operand }: Compare): etcdserverpb.Compare['targetUnion'] {
  if (typeof operand === 'object') return { $case: 'value', value: operand };
  const number = BigInt(operand);
  switch (target) {
    case 'version':
      return { $case: 'version', version: number };
    case 'create':
      return { $case: 'createRevision', createRevision: number };
    case 'mod':
      return { $case: 'modRevision', modRevision: number };
    default:
      return { $case: 'lease', lease: number };
  }
}

/** @param startRevision 0: from the next change on */
export function toWatchCreate(request: WatchRequest, startRevision: number): etcdserverpb.WatchRequest {
  const { NOPUT, NODELETE } = etcdserverpb.WatchCreateRequest_FilterType;
  const createRequest: etcdserverpb.WatchCreateRequest = {
    key: keyBytes(request.key),
    rangeEnd: keyBytes(request.rangeEnd),
    startRevision: BigInt(startRevision),
    progressNotify: true,
    filters: (request.filters ?? []).map((filter) => (filter === 'no-put' ? NOPUT : NODELETE)),
    prevKv: request.prevKv ?? false,
    watchId: 0n,
    fragment: true,
  };
  return { requestUnion: { $case: 'createRequest', createRequest } };
}
