import { type etcdserverpb, mvccpb } from '#etcd';
import {
  type DeleteRangeResponse,
  type Key,
  type KeyValue,
  type PutResponse,
  type RangeResponse,
  type ResponseOp,
  type StoreEvent,
  type TxnResponse,
} from '#store';

/** The store's answers as etcd's messages. */

type Header = etcdserverpb.ResponseHeader;

export function keyBytes(key: Key): Uint8Array {
  return Buffer.from(key, 'latin1');
}

export function toKeyValue(kv: KeyValue): mvccpb.KeyValue {
  return {
    key: keyBytes(kv.key),
    value: kv.value,
    createRevision: BigInt(kv.createRevision),
    modRevision: BigInt(kv.modRevision),
    version: BigInt(kv.version),
    lease: kv.lease,
  };
}

export function toEvent({ type, kv, prevKv }: StoreEvent): mvccpb.Event {
  return {
    type: type === 'put' ? mvccpb.Event_EventType.PUT : mvccpb.Event_EventType.DELETE,
    kv: toKeyValue(kv),
    prevKv: prevKv === undefined ? undefined : toKeyValue(prevKv),
  };
}

export function toRange(header: Header, { kvs, more, count }: RangeResponse): etcdserverpb.RangeResponse {
  return { header, kvs: kvs.map(toKeyValue), more, count: BigInt(count) };
}

export function toPut(header: Header, { prevKv }: PutResponse): etcdserverpb.PutResponse {
  return { header, prevKv: prevKv === undefined ? undefined : toKeyValue(prevKv) };
}

export function toDeleteRange(
  header: Header,
  { deleted, prevKvs }: DeleteRangeResponse,
): etcdserverpb.DeleteRangeResponse {
  return { header, deleted: BigInt(deleted), prevKvs: prevKvs.map(toKeyValue) };
}

export function toTxn(header: Header, { succeeded, responses }: TxnResponse): etcdserverpb.TxnResponse {
  return { header, succeeded, responses: responses.map(toOperation) };
}

/** Inside a transaction headers have nothing but the revision, and those of a nested one not even that. */
function toOperation({ type, response }: ResponseOp): etcdserverpb.ResponseOp {
  const header: Header = { clusterId: 0n, memberId: 0n, revision: BigInt(response.revision), raftTerm: 0n };
  switch (type) {
    case 'range':
      return { response: { $case: 'responseRange', responseRange: toRange(header, response) } };
    case 'put':
      return { response: { $case: 'responsePut', responsePut: toPut(header, response) } };
    case 'delete':
      return { response: { $case: 'responseDeleteRange', responseDeleteRange: toDeleteRange(header, response) } };
    case 'txn':
      return { response: { $case: 'responseTxn', responseTxn: toTxn({ ...header, revision: 0n }, response) } };
  }
}
