import { type StaticToken } from './authn/static-tokens';

/** How to run a gateway. PEM texts, no file names: whoever composes the process reads files. */
export interface GatewayConfig {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls: {
    readonly certificatePem: string;
    readonly keyPem: string;
    /** Client certificates of this authority are accepted. */
    readonly clientCaPem: string;
  };
  /** Where clients find the API server: shown by discovery, and the endpoint of `default/kubernetes`. Absent: host and port. */
  readonly advertise?: { readonly address: string; readonly port?: number };
  /**
   * What nodes that join are told in `kube-public/cluster-info`: a URL that all of them reach (with several gateways, that of what
   * balances between them), and the authority of its certificate. Default: the advertised address, and `tls.clientCaPem`.
   */
  readonly clusterInfo?: { readonly server?: string; readonly authorityPem?: string };
  /** IPv4, `10.96.0.0/16`. The first address is `default/kubernetes`. */
  readonly serviceCidr: string;
  /** Inclusive; upstream's is 30000 to 32767. */
  readonly nodePortRange: readonly [number, number];
  readonly serviceAccounts: {
    readonly issuer: string;
    /** Signs tokens. */
    readonly keyPem: string;
    /** Also accepted: keys of the past. */
    readonly verificationKeyPems?: readonly string[];
    readonly audiences: readonly string[];
  };
  readonly tokens?: readonly StaticToken[];
  /** Groups of components that speak over the bus, by user name. */
  readonly groupsOf?: (user: string) => readonly string[];
  /** Makes the gateway hand out credentials for the bus. Absent: the bus knows no identities. */
  readonly bus?: {
    /** Where components find the broker: told to those that get credentials. */
    readonly servers?: readonly string[];
    /** Of the bus's account, `SA…`. Secret. */
    readonly accountSeed: string;
    /** Users that a component may act as, besides itself; undefined if the user is no component. */
    readonly actsAs: (user: string) => readonly string[] | undefined;
  };
  /**
   * At stop, how long `/readyz` fails before connections are closed, so that load balancers look elsewhere first (upstream's
   * `--shutdown-delay-duration`). Default 0.
   */
  readonly shutdownDelayMs?: number;
  /** Client certificate for node agents, and the authority of theirs. */
  readonly agents?: { readonly certificatePem: string; readonly keyPem: string; readonly caPem: string };
}
