import { type GarbagePolicy } from '#runtime';

/** Configuration of one node agent. */
export interface NodeAgentConfig {
  readonly nodeName: string;
  /** Pods live in `<dataDir>/nodes/<nodeName>/pods`. Must have the same path on the engine's host. */
  readonly dataDir: string;
  /** The node's InternalIP, and its pods' hostIP. */
  readonly nodeIp: string;
  /** Address of the DNS Service. Absent: pods resolve as the node does. */
  readonly clusterDns?: string;
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Default 110. */
  readonly maxPods?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  /** Default true. */
  readonly allowPrivileged?: boolean;
  /** Quantities that replace what was measured: `cpu`, `memory`, `ephemeral-storage`, `pods`, extended resources. */
  readonly capacity?: Readonly<Record<string, string>>;
  /** Kept back for the system: subtracted from capacity. */
  readonly reserved?: Readonly<Record<string, string>>;
  /** Logs, exec, port-forward and statistics. Absent: none is served. */
  readonly server?: {
    /** 0: any free port. */
    readonly port: number;
    /** Default: all addresses. */
    readonly host?: string;
    readonly certificatePem: string;
    readonly keyPem: string;
    /** Tells of a certificate that replaces the one above. @returns a function that ends that */
    readonly onRenewed?: (
      listener: (pair: { readonly certificatePem: string; readonly keyPem: string }) => void,
    ) => () => void;
    /** Signs the clients that may connect. */
    readonly clientCaPem: string;
    /** Common names of clients that may connect; default: any that the CA has signed. */
    readonly allowedClients?: readonly string[];
  };
  /** Port to announce when another agent's server answers for this node, too. */
  readonly announcedPort?: number;
  /**
   * Containers see this host's file system: volumes, resolv.conf, hosts and termination logs are made. False with simulated pods.
   * Default true.
   */
  readonly usesHostFilesystem?: boolean;
  /** Pods can be connected to, so that network probes mean something. False with simulated pods. Default true. */
  readonly reachesPods?: boolean;
  /** How old a ConfigMap or Secret may be in a mounted volume. Default 15 s. */
  readonly volumeRefreshMs?: number;
  /** Default 10 s. */
  readonly leaseRenewMs?: number;
  /** Default 5 min. */
  readonly statusReportMs?: number;
  /** How long `beforeSigterm` may take. Default 1 s. */
  readonly beforeSigtermMs?: number;
  /** When images that nobody uses are removed, where they are the runtime's own. Default: from 85 % of the disk down to 80 %. */
  readonly imageGarbage?: Partial<GarbagePolicy>;
  /** cgroup that pods are below, in the driver's notation. Default: the runtime's. */
  readonly cgroupParent?: string;
}
