import { etcdserverpb, type mvccpb } from '#etcd';
import { type KeyValue, type RangeResponse } from '#store';
import { MAX_FIELD_BYTES, ProtobufWriter } from './protobuf-writer';
import { toKeyValue } from './responses';

/** What stands before each field: its number, and the type of what follows. */
const Tag = { header: 0x0a, kvs: 0x12, more: 0x18, count: 0x20 } as const;
const KeyTag = { key: 0x0a, createRevision: 0x10, modRevision: 0x18, version: 0x20, value: 0x2a, lease: 0x30 } as const;

/**
 * What a range is answered with. Many are lists of many keys for who speaks gRPC: they are written at once from the store's objects, into
 * memory that is taken once. Messages are made of them only for who looks at them, as the gateway to JSON does.
 */
export class RangeAnswer implements etcdserverpb.RangeResponse {
  constructor(
    readonly header: etcdserverpb.ResponseHeader,
    private readonly response: RangeResponse,
  ) {}

  get kvs(): mvccpb.KeyValue[] {
    return this.response.kvs.map(toKeyValue);
  }

  get more(): boolean {
    return this.response.more;
  }

  get count(): bigint {
    return BigInt(this.response.count);
  }

  encode(): Buffer {
    const { kvs, more, count } = this.response;
    const header = etcdserverpb.ResponseHeader.encode(this.header).finish();
    const writer = new ProtobufWriter(header.length + 3 * MAX_FIELD_BYTES + mostBytes(kvs));
    writer.bytes(Tag.header, header);
    for (const kv of kvs) writeKeyValue(writer, kv);
    writer.number(Tag.more, Number(more));
    writer.number(Tag.count, count);
    return writer.written();
  }
}

function mostBytes(kvs: readonly KeyValue[]): number {
  let bytes = 0;
  for (const { key, value } of kvs) bytes += key.length + value.length + 7 * MAX_FIELD_BYTES;
  return bytes;
}

function writeKeyValue(writer: ProtobufWriter, kv: KeyValue): void {
  const { key, value } = kv;
  writer.message(Tag.kvs, key.length + value.length, () => {
    writer.latin1(KeyTag.key, key);
    writer.number(KeyTag.createRevision, kv.createRevision);
    writer.number(KeyTag.modRevision, kv.modRevision);
    writer.number(KeyTag.version, kv.version);
    writer.bytes(KeyTag.value, value);
    writer.bigint(KeyTag.lease, kv.lease);
  });
}
