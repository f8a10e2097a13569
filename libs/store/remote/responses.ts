import { type etcdserverpb, mvccpb } from '#etcd';
import {
  type DeleteRangeResponse,
  type Key,
  type KeyValue,
  type PutResponse,
  type RangeResponse,
  type ResponseOp,
  StoreError,
  type StoreEvent,
  type TxnResponse,
} from '../src/key-value-store';

/** etcd's messages as our answers. */

export function keyOf(bytes: Uint8Array): Key {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

export function fromKeyValue(kv: mvccpb.KeyValue): KeyValue {
  return {
    key: keyOf(kv.key),
    value: kv.value,
    createRevision: Number(kv.createRevision),
    modRevision: Number(kv.modRevision),
    version: Number(kv.version),
    lease: kv.lease,
  };
}

export function fromEvent({ type, kv, prevKv }: mvccpb.Event): StoreEvent {
  const event = {
    type: type === mvccpb.Event_EventType.DELETE ? ('delete' as const) : ('put' as const),
    kv: fromKeyValue(present(kv)),
  };
  return prevKv === undefined ? event : { ...event, prevKv: fromKeyValue(prevKv) };
}

export function revisionOf({ header }: { header?: etcdserverpb.ResponseHeader }): number {
  return Number(present(header).revision);
}

export function fromRange(response: etcdserverpb.RangeResponse, revision = revisionOf(response)): RangeResponse {
  return { revision, kvs: response.kvs.map(fromKeyValue), more: response.more, count: Number(response.count) };
}

export function fromPut(response: etcdserverpb.PutResponse, revision = revisionOf(response)): PutResponse {
  return response.prevKv === undefined ? { revision } : { revision, prevKv: fromKeyValue(response.prevKv) };
}

export function fromDeleteRange(
  response: etcdserverpb.DeleteRangeResponse,
  revision = revisionOf(response),
): DeleteRangeResponse {
  return { revision, deleted: Number(response.deleted), prevKvs: response.prevKvs.map(fromKeyValue) };
}

export function fromTxn(response: etcdserverpb.TxnResponse, revision = revisionOf(response)): TxnResponse {
  return {
    revision,
    succeeded: response.succeeded,
    responses: response.responses.map((each) => fromOperation(each, revision)),
  };
}

/** @param revision of the transaction, for answers inside it that do not say theirs */
function fromOperation({ response }: etcdserverpb.ResponseOp, revision: number): ResponseOp {
  const own = (part: { header?: etcdserverpb.ResponseHeader }): number =>
    Number(part.header?.revision ?? 0n) || revision;
  switch (response?.$case) {
    case 'responseRange':
      return { type: 'range', response: fromRange(response.responseRange, own(response.responseRange)) };
    case 'responsePut':
      return { type: 'put', response: fromPut(response.responsePut, own(response.responsePut)) };
    case 'responseDeleteRange': {
      const part = response.responseDeleteRange;
      return { type: 'delete', response: fromDeleteRange(part, own(part)) };
    }
    case 'responseTxn':
      return { type: 'txn', response: fromTxn(response.responseTxn, own(response.responseTxn)) };
    case undefined:
      throw malformed();
  }
}

function present<T>(part: T | undefined): T {
  if (part === undefined) throw malformed();
  return part;
}

function malformed(): StoreError {
  return new StoreError('unavailable', 'the server sent an answer that lacks a part');
}
