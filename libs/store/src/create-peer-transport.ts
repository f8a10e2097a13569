import { type Clock } from '#machinery';
import { type Logger, type Registry } from '#telemetry';
import { type PeerTransport } from './replication/peer-transport';

export interface PeerTransportOptions {
  /** Where peers reach this member. Without TLS only loopback addresses are served. */
  readonly listen: { readonly host: string; readonly port: number };
  /** One certificate to serve and to call with, and who has to have signed those of the peers. */
  readonly tls?: {
    readonly certificatePem: string;
    readonly keyPem: string;
    readonly caPem: string;
    /** Common names of the peers' certificates, where the authority has signed others too; absent: whatever it has signed. */
    readonly allowedNames?: readonly string[];
  };
  readonly clock: Clock;
  /** For the jitter of reconnects: [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  /** Where connections are measured, by etcd's names; one transport a registry. */
  readonly metrics?: Registry;
}

/** A transport between members over HTTP. It listens from its `start` on. */
export async function createPeerTransport(options: PeerTransportOptions): Promise<PeerTransport> {
  // A member that is alone does without.
  const { HttpPeerTransport } = await import('#store/peers');
  return new HttpPeerTransport(options);
}
