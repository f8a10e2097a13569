import { type Clock } from '#machinery';
import { type Logger } from '#telemetry';
import { type KeyValueStore } from './key-value-store';

export interface ConnectTls {
  /** Who signs the servers' certificates. */
  readonly caPem: string;
  /** Who we are, where the servers ask for it. Both or neither. */
  readonly certificatePem?: string;
  readonly keyPem?: string;
}

export interface ConnectStoreOptions {
  /** Members of one cluster: all `https://host:port`, or all `http://host:port`. */
  readonly endpoints: readonly string[];
  readonly tls?: ConnectTls;
  readonly clock: Clock;
  /** For the jitter of retries: [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  /** How long one request may take, all attempts together. Default 5,000. */
  readonly requestTimeoutMs?: number;
  /** A connection or a watch that is silent for this long is asked for a sign of life, and given up when it gives none within
   * half of it. Default 10,000; etcd closes connections that ask more often than every 5,000. */
  readonly keepAliveMs?: number;
}

/**
 * A store behind etcd v3's gRPC API: our own server, or etcd 3.4 and later. Resolves without waiting for a server; requests
 * wait for one until they time out. Rejects if the options make no sense.
 *
 * - Reads are repeated until they time out. A write is repeated only if it was certainly not carried out; otherwise it rejects
 *   with `unavailable`, and the message says that its outcome is unknown.
 * - Watches outlive connections: each goes on where it was, without gap or repetition, until it is cancelled, the store is
 *   closed, or what it has yet to deliver was compacted.
 */
export async function connectStore(options: ConnectStoreOptions): Promise<KeyValueStore> {
  // grpc-js takes long to load: only who connects pays for it.
  const { RemoteStore } = await import('#store/remote');
  return new RemoteStore(options);
}
