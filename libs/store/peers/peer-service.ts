import { Metadata, type MethodDefinition } from '@grpc/grpc-js';

/**
 * The private service of members. Bodies are ours (`message-codec.ts`), since they are most of what a store sends, and no other
 * program reads them. Members that cannot read one another need different versions here, which makes a call UNIMPLEMENTED.
 */
export const peerService = {
  /** A stream of messages, for as long as the connection lasts. */
  messages: method('Messages', 'stream'),
  /** The `snapshot` message, then the snapshot. Answered when it is stored. */
  snapshot: method('Snapshot', 'stream'),
  /** A question and an answer. */
  ask: method('Ask', 'unary'),
  /** Answered with nothing, at once. Who has not heard of it says so, which takes as long. */
  ping: method('Ping', 'unary'),
  /** Who this cluster is; also for those who are not members yet. */
  describe: method('Describe', 'unary'),
} as const;

function method(name: string, request: 'stream' | 'unary'): MethodDefinition<Buffer, Buffer> {
  const asIs = (bytes: Buffer): Buffer => bytes;
  return {
    path: `/nestor.store.v1.Peer/${name}`,
    requestStream: request === 'stream',
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

/** Who calls whom: said once a call, so that a member of another cluster, or one that was replaced, is not mistaken for a peer. */
export interface Envelope {
  readonly clusterId: bigint;
  readonly from: bigint;
  readonly to: bigint;
}

const KEYS = { clusterId: 'nestor-cluster', from: 'nestor-from', to: 'nestor-to' } as const;

export function writeEnvelope(envelope: Envelope): Metadata {
  const metadata = new Metadata();
  metadata.set(KEYS.clusterId, envelope.clusterId.toString(16));
  metadata.set(KEYS.from, envelope.from.toString(16));
  metadata.set(KEYS.to, envelope.to.toString(16));
  return metadata;
}

/** Undefined: there is none, or it is not readable. */
export function readEnvelope(metadata: Metadata): Envelope | undefined {
  const id = (key: string): bigint | undefined => {
    const text = metadata.get(key)[0];
    return typeof text === 'string' && /^[0-9a-f]{1,16}$/.test(text) ? BigInt(`0x${text}`) : undefined;
  };
  const [clusterId, from, to] = [id(KEYS.clusterId), id(KEYS.from), id(KEYS.to)];
  return clusterId === undefined || from === undefined || to === undefined ? undefined : { clusterId, from, to };
}
