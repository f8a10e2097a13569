/**
 * What a node does with traffic to services, as data. Both ways of carrying it out (nftables, the userspace forwarder) are
 * made from the same rule set.
 */

export interface RuleSet {
  /** Ordered by name. No two rules claim the same address, protocol and port, nor the same node port and protocol. */
  readonly rules: readonly ServicePortRule[];
}

export type TransportProtocol = 'tcp' | 'udp' | 'sctp';

/** Where a connection may end. */
export interface Backend {
  readonly ip: string;
  readonly port: number;
}

/**
 * What happens to a new connection. `reject`: nobody serves it, the client is told at once. `drop`: somebody does, but not
 * here (traffic policy Local), so a load balancer should find out by itself, as upstream does it.
 */
export type Decision =
  | { readonly kind: 'balance'; readonly backends: readonly Backend[] }
  | { readonly kind: 'reject' }
  | { readonly kind: 'drop' };

/** One port of one service. */
export interface ServicePortRule {
  /** `namespace/service/protocol/port name`, unique; the last part may be empty. */
  readonly name: string;
  readonly protocol: TransportProtocol;
  readonly port: number;
  readonly clusterIp: string;
  /** `spec.externalIPs` and the load balancer's addresses that deliver unchanged packets. */
  readonly externalIps: readonly string[];
  readonly nodePort?: number;
  /** Sources that may use the load balancer's addresses; absent: all. */
  readonly firewall?: { readonly addresses: readonly string[]; readonly sources: readonly string[] };
  /** Session affinity ClientIP: seconds for which a client keeps its backend. */
  readonly affinitySeconds?: number;
  /** Traffic to the cluster IP. */
  readonly internal: Decision;
  /** Traffic from outside to external addresses and node ports. */
  readonly external: Decision;
  /** Traffic from pods and from the node itself to external addresses: never restricted to local endpoints. */
  readonly cluster: Decision;
  /** `externalTrafficPolicy: Local`: the source address of clients from outside is kept. */
  readonly keepsExternalSource: boolean;
}
