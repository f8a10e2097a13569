import { type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';

/**
 * What members ask each other, over HTTP/1.1 as in etcd (`rafthttp`). Bodies are ours (`message-codec.ts`), since they are most of what a
 * store sends, and no other program reads them. Members that cannot read one another need another version here, which makes a call 404.
 */
export const PATHS = {
  /** A connection that is upgraded to a stream of messages, and lives as long as it does (RFC 9110, 7.8). */
  messages: '/nestor.store.v1/messages',
  /** POST of a snapshot, whose message is in a header. Answered when it is stored. */
  snapshot: '/nestor.store.v1/snapshot',
  /** POST of a question. */
  ask: '/nestor.store.v1/ask',
  /** Who this cluster is; also for those who are not members yet. */
  describe: '/nestor.store.v1/describe',
} as const;

/** What a connection is upgraded to: frames, one message each. */
export const MESSAGES_PROTOCOL = 'nestor-raft';
export const MESSAGE_HEADER = 'nestor-message';

/** Who calls whom: said once a call, so that a member of another cluster, or one that was replaced, is not mistaken for a peer. */
export interface Envelope {
  readonly clusterId: bigint;
  readonly from: bigint;
  readonly to: bigint;
}

const KEYS = { clusterId: 'nestor-cluster', from: 'nestor-from', to: 'nestor-to' } as const;

export function writeEnvelope({ clusterId, from, to }: Envelope): OutgoingHttpHeaders {
  return {
    [KEYS.clusterId]: clusterId.toString(16),
    [KEYS.from]: from.toString(16),
    [KEYS.to]: to.toString(16),
  };
}

/** Undefined: there is none, or it is not readable. */
export function readEnvelope(headers: IncomingHttpHeaders): Envelope | undefined {
  const id = (key: string): bigint | undefined => {
    const text = headers[key];
    return typeof text === 'string' && /^[0-9a-f]{1,16}$/.test(text) ? BigInt(`0x${text}`) : undefined;
  };
  const [clusterId, from, to] = [id(KEYS.clusterId), id(KEYS.from), id(KEYS.to)];
  return clusterId === undefined || from === undefined || to === undefined ? undefined : { clusterId, from, to };
}
