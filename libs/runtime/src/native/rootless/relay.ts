import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { getSystemErrorName } from 'node:util';
import { socketAddress } from './addresses';

export type RelayedProtocol = 'tcp' | 'udp';

export interface SocketPlace {
  readonly ip: string;
  readonly port: number;
}

/** A port of the machine that leads into the node's network. It is closed with the process that has opened it. */
export interface RelayedPort {
  readonly port: number;
  close(): void;
}

/** Ports of the machine, for a node in a network namespace of its own. */
export class Relay {
  private readonly socket: string;

  /** @param directory of the `NodeNamespace` */
  constructor(directory: string) {
    this.socket = path.join(directory, 'relay');
  }

  /**
   * Opens a port of the machine. Rejects with the system's error (`EADDRINUSE`, `EACCES` …).
   * @param target where it leads to, inside; port 0: the same as outside
   */
  async open(protocol: RelayedProtocol, { ip, port }: SocketPlace, target: SocketPlace): Promise<RelayedPort> {
    const connection = connect(this.socket);
    const request = `listen ${protocol} ${socketAddress(ip, port)} ${socketAddress(target.ip, target.port)}\n`;
    const answer = await firstLine(connection, request);
    const [, number] = /^ok (\d+)$/.exec(answer) ?? [];
    if (number !== undefined) return { port: Number(number), close: () => connection.destroy() };
    connection.destroy();
    const code = getSystemErrorName(-Number(/^error (\d+)$/.exec(answer)?.[1] ?? 5));
    throw Object.assign(new Error(`${code}: ${protocol} ${ip}:${port}`), { code, address: ip, port });
  }
}

function firstLine(connection: Socket, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    connection.on('error', reject);
    connection.on('close', () => reject(new Error('the relay has closed the connection')));
    connection.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.trim());
    });
    connection.write(request);
  });
}

export interface WantedPort {
  readonly protocol: RelayedProtocol;
  readonly at: SocketPlace;
  readonly target: SocketPlace;
}

export interface MissingPort {
  readonly port: WantedPort;
  readonly error: unknown;
}

/** A set of ports that follows what is wanted. */
export class RelayedPorts {
  private readonly open = new Map<string, RelayedPort>();
  private turn: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  constructor(private readonly relay: Relay) {}

  /** Closes what is not wanted any more and opens what is. Resolves to those that could not be opened: they are tried again with every call. */
  follow(wanted: readonly WantedPort[]): Promise<readonly MissingPort[]> {
    const next = this.turn.then(() => this.change(new Map(wanted.map((port) => [JSON.stringify(port), port]))));
    this.turn = next.catch(() => undefined);
    return next;
  }

  /** For good. */
  close(): void {
    this.isClosed = true;
    for (const port of this.open.values()) port.close();
    this.open.clear();
  }

  private async change(wanted: ReadonlyMap<string, WantedPort>): Promise<MissingPort[]> {
    for (const [key, port] of this.open) {
      if (wanted.has(key)) continue;
      port.close();
      this.open.delete(key);
    }
    const missing: MissingPort[] = [];
    for (const [key, port] of wanted) {
      if (this.open.has(key)) continue;
      try {
        const opened = await this.relay.open(port.protocol, port.at, port.target);
        if (this.isClosed) opened.close();
        else this.open.set(key, opened);
      } catch (error) {
        missing.push({ port, error });
      }
    }
    return missing;
  }
}
