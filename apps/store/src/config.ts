import { type ClusterAdministration, type KeyValueStore, type LocalStore } from '#store';
import { type Clock } from '#machinery';
import { type Logger, type Registry } from '#telemetry';

export interface StoreServerConfig {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** PEM texts. Without TLS, or without a client CA, only loopback addresses are served: who reaches the port has it all. */
  readonly tls?: {
    readonly certificatePem: string;
    readonly keyPem: string;
    /** Who signs the certificates of clients, which are required then. */
    readonly clientCaPem?: string;
    /** Common names of the clients that are served, where the authority has signed others too; absent: whoever it has signed. */
    readonly allowedNames?: readonly string[];
  };
  /** etcd's `--max-request-bytes`. Default 1.5 MiB, as etcd's. The store behind has a limit of its own. */
  readonly maxRequestBytes?: number;
  /** How often a silent watch that asked for it hears how far it has come. Default 10 minutes, as etcd's. */
  readonly progressNotifyMs?: number;
}

export interface StoreServerDependencies {
  /**
   * Remains the caller's: it is not closed with the server. Without `administration`, as one behind a network, there are no users, alarms,
   * hashes and snapshots to be served; without `cluster` no members to be changed.
   */
  readonly store: KeyValueStore & Partial<LocalStore> & { readonly cluster?: ClusterAdministration };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
}

/** What a request may have around its keys and values; etcd's `grpcOverheadBytes`. */
export const GRPC_OVERHEAD_BYTES = 512 * 1024;
export const DEFAULT_MAX_REQUEST_BYTES = 1.5 * 1024 * 1024;
export const DEFAULT_PROGRESS_NOTIFY_MS = 10 * 60_000;
