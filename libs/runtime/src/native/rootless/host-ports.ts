import { type PortMapping, RuntimeError } from '../../container-runtime';
import { type Relay, RelayedPorts, type WantedPort } from './relay';

/** How a node's own network is joined to the machine's. */
export interface RootlessNetwork {
  readonly relay: Relay;
  /** Why nothing goes out, if it does not. */
  readonly problem?: string | undefined;
}

/** Ports of the machine that pods ask for. */
export class HostPorts {
  private readonly ports: RelayedPorts;
  private known: ReadonlySet<string> = new Set();

  constructor(relay: Relay) {
    this.ports = new RelayedPorts(relay);
  }

  /** Opens what is new, closes what is gone. Rejects with `RuntimeError` if one that is new cannot be had. */
  async follow(mappings: readonly (PortMapping & { readonly podIp: string })[]): Promise<void> {
    const wanted = mappings.flatMap(wantedPort);
    const { known } = this;
    this.known = new Set(wanted.map((port) => JSON.stringify(port)));
    const missing = await this.ports.follow(wanted);
    // What is taken already keeps its own pod waiting, not those that come later.
    const refused = missing.find(({ port }) => !known.has(JSON.stringify(port)));
    if (refused === undefined) return;
    const message = refused.error instanceof Error ? refused.error.message : String(refused.error);
    throw new RuntimeError('create-failed', `cannot open a port of the host: ${message}`);
  }

  close(): void {
    this.ports.close();
  }
}

function wantedPort({
  podIp,
  containerPort,
  hostPort,
  hostIp,
  protocol,
}: PortMapping & { readonly podIp: string }): WantedPort[] {
  const transport = protocol.toLowerCase();
  if (transport !== 'tcp' && transport !== 'udp') return [];
  const ip = hostIp === undefined || hostIp === '' ? '0.0.0.0' : hostIp;
  return [{ protocol: transport, at: { ip, port: hostPort }, target: { ip: podIp, port: containerPort } }];
}
