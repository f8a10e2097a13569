import { type Decision, type RuleSet, type ServicePortRule } from '#network';
import { type Clock } from '#machinery';
import { type Logger } from '#telemetry';
import { ForwarderTarget } from './forwarder-target';
import { TcpForwarder } from './tcp-forwarder';
import { UdpForwarder } from './udp-forwarder';

export interface UserspaceForwarderOptions {
  /** Where node ports listen. Addresses that the host does not have are left out. */
  readonly addresses: readonly string[];
  /** Whether to listen on the addresses of Services as well, which have to be this host's own. */
  readonly forwardsClusterIps?: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** Something to listen on. */
interface Port {
  readonly key: string;
  readonly protocol: 'tcp' | 'udp';
  readonly addresses: readonly string[];
  readonly port: number;
  readonly decision: Decision;
  readonly affinitySeconds: number | undefined;
}

interface Listener {
  readonly target: ForwarderTarget;
  readonly forwarders: readonly (TcpForwarder | UdpForwarder)[];
}

/**
 * Node ports on loopback addresses, in this process: the kernel does not translate packets from 127.0.0.1 without settings
 * that open loopback to the network (`route_localnet`). A port without endpoints does not listen, so clients are refused as
 * they are elsewhere.
 */
export class UserspaceForwarder {
  /** By `tcp/30080`, of a node port, or `tcp/10.96.0.10:53`. */
  private readonly listeners = new Map<string, Listener>();
  /** Forwarders that no longer listen but may still have connections. */
  private readonly retired = new Set<TcpForwarder>();
  private isStopped = false;

  constructor(private readonly options: UserspaceForwarderOptions) {}

  /**
   * Follows the rule set; not to be called again before it has resolved. Resolves to the ports that could not be opened
   * (somebody else listens there): those are tried again with every update.
   */
  async update({ rules }: RuleSet): Promise<string[]> {
    const failed: string[] = [];
    const wanted = new Set<string>();
    for (const { key, addresses, port, protocol, decision, affinitySeconds } of rules.flatMap((r) => this.ports(r))) {
      if (decision.kind !== 'balance' || this.isStopped) continue;
      wanted.add(key);
      const listener = this.listeners.get(key);
      const target = listener?.target ?? this.createTarget();
      target.update(decision.backends, affinitySeconds);
      if (listener === undefined && !(await this.open(key, protocol, addresses, port, target))) failed.push(key);
    }
    for (const [key, { forwarders }] of this.listeners) {
      if (wanted.has(key)) continue;
      this.listeners.delete(key);
      for (const forwarder of forwarders) {
        forwarder.close();
        if (forwarder instanceof TcpForwarder) this.retired.add(forwarder);
      }
    }
    for (const forwarder of this.retired) {
      if (forwarder.connections === 0) this.retired.delete(forwarder);
    }
    return failed;
  }

  /** Ends listeners and connections. */
  stop(): void {
    this.isStopped = true;
    for (const { forwarders } of this.listeners.values()) for (const forwarder of forwarders) forwarder.destroy();
    for (const forwarder of this.retired) forwarder.destroy();
    this.listeners.clear();
    this.retired.clear();
  }

  private ports({ protocol, nodePort, port, clusterIp, cluster, internal, affinitySeconds }: ServicePortRule): Port[] {
    if (protocol === 'sctp') return [];
    const { addresses, forwardsClusterIps = false } = this.options;
    const common = { protocol, affinitySeconds };
    const ports: Port[] = [];
    if (nodePort !== undefined) {
      ports.push({ ...common, key: `${protocol}/${nodePort}`, addresses, port: nodePort, decision: cluster });
    }
    if (forwardsClusterIps) {
      const key = `${protocol}/${clusterIp}:${port}`;
      ports.push({ ...common, key, addresses: [clusterIp], port, decision: internal });
    }
    return ports;
  }

  private createTarget(): ForwarderTarget {
    const { clock, random } = this.options;
    return new ForwarderTarget(random, () => clock.monotonic());
  }

  /** Listens on all addresses that the host has, or, if one of them is taken, on none. */
  private async open(
    key: string,
    protocol: 'tcp' | 'udp',
    addresses: readonly string[],
    port: number,
    target: ForwarderTarget,
  ): Promise<boolean> {
    const { clock, logger } = this.options;
    const forwarders: (TcpForwarder | UdpForwarder)[] = [];
    let isTaken = false;
    for (const address of addresses) {
      try {
        forwarders.push(
          protocol === 'tcp'
            ? await TcpForwarder.listen(address, port, target, logger)
            : await UdpForwarder.listen(address, port, target, clock, logger),
        );
      } catch (error) {
        if (isAddressMissing(error)) continue;
        logger.warn({ err: error, address, port, protocol }, 'a node port cannot be opened');
        isTaken = true;
        break;
      }
    }
    if (isTaken || this.isStopped || forwarders.length === 0) {
      for (const forwarder of forwarders) forwarder.destroy();
      return false;
    }
    this.listeners.set(key, { target, forwarders });
    return true;
  }
}

/** The host has no such address or family, as many have no ::1. */
function isAddressMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
}
