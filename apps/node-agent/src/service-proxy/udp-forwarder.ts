import dgram from 'node:dgram';
import { isIP } from 'node:net';
import { type Clock, type Timer } from '#machinery';
import { type Logger } from '#telemetry';
import { type ForwarderTarget } from './forwarder-target';

/** Clients that one node port remembers; beyond that the one that was silent for longest is forgotten. */
const MAX_SESSIONS = 512;
/** As conntrack's for flows with answers is 120 s and without 30 s. */
const IDLE_MS = 60_000;

/** Datagrams that wait until a new session's socket is connected (a turn of the event loop); more are lost. */
const MAX_WAITING = 32;

interface Session {
  readonly socket: dgram.Socket;
  /** Absent once connected. */
  waiting: Buffer[] | undefined;
  lastUsed: number;
}

/** Passes datagrams of one address to backends and their answers back. A client keeps its backend while it goes on talking. */
export class UdpForwarder {
  private readonly server: dgram.Socket;
  /** By client, least recently used first. */
  private readonly sessions = new Map<string, Session>();
  private sweep: Timer | undefined;

  private constructor(
    address: string,
    private readonly target: ForwarderTarget,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    this.server = dgram.createSocket({ type: isIP(address) === 6 ? 'udp6' : 'udp4', ipv6Only: isIP(address) === 6 });
    this.server.on('message', (message, { address: from, port }) => this.forward(message, from, port));
  }

  /** Resolves when it receives; rejects if the port is taken. */
  static async listen(
    address: string,
    port: number,
    target: ForwarderTarget,
    clock: Clock,
    logger: Logger,
  ): Promise<UdpForwarder> {
    const forwarder = new UdpForwarder(address, target, clock, logger);
    await new Promise<void>((resolve, reject) => {
      forwarder.server.once('error', (error) => {
        forwarder.server.close();
        reject(error);
      });
      forwarder.server.bind({ address, port, exclusive: true }, () => {
        forwarder.server.removeAllListeners('error');
        forwarder.server.on('error', (error) => logger.warn({ err: error, port }, 'a node port has failed'));
        resolve();
      });
    });
    return forwarder;
  }

  close(): void {
    this.sweep?.cancel();
    this.sweep = undefined;
    for (const client of [...this.sessions.keys()]) this.forget(client);
    this.server.close();
  }

  /** UDP has no connections that could go on. */
  destroy(): void {
    this.close();
  }

  private forward(message: Buffer, address: string, port: number): void {
    const client = `${address} ${port}`;
    const session = this.sessions.get(client) ?? this.open(client, address, port);
    if (session === undefined) return;
    session.lastUsed = this.clock.monotonic();
    this.sessions.delete(client);
    this.sessions.set(client, session);
    if (session.waiting === undefined) this.send(session, message);
    else if (session.waiting.length < MAX_WAITING) session.waiting.push(message);
  }

  /** What cannot be sent is lost, as datagrams are. */
  private send({ socket }: Session, message: Buffer): void {
    socket.send(message, (error) => {
      if (error !== null) this.logger.trace({ err: error }, 'a datagram could not be forwarded');
    });
  }

  private open(client: string, address: string, port: number): Session | undefined {
    const [backend] = this.target.order(address);
    if (backend === undefined) return undefined;
    const [oldest] = this.sessions.keys();
    if (this.sessions.size >= MAX_SESSIONS && oldest !== undefined) this.forget(oldest);
    const socket = dgram.createSocket('udp4');
    socket.on('message', (answer) => this.server.send(answer, port, address));
    // The backend refuses: the next datagram asks another one.
    socket.on('error', () => this.forget(client));
    const session: Session = { socket, waiting: [], lastUsed: 0 };
    this.sessions.set(client, session);
    socket.connect(backend.port, backend.ip, (error?: Error) => {
      // Closed meanwhile, or no route; in the latter case the next datagram tries another backend.
      if (this.sessions.get(client) !== session) return;
      if (error != null) return this.forget(client);
      for (const message of session.waiting ?? []) this.send(session, message);
      session.waiting = undefined;
    });
    this.target.used(address, backend);
    this.sweep ??= this.clock.setTimer(IDLE_MS, () => this.forgetIdle());
    return session;
  }

  private forgetIdle(): void {
    const limit = this.clock.monotonic() - IDLE_MS;
    for (const [client, { lastUsed }] of [...this.sessions]) if (lastUsed <= limit) this.forget(client);
    this.sweep = this.sessions.size === 0 ? undefined : this.clock.setTimer(IDLE_MS, () => this.forgetIdle());
  }

  private forget(client: string): void {
    const session = this.sessions.get(client);
    if (session === undefined) return;
    this.sessions.delete(client);
    session.socket.close();
  }
}
