import net from 'node:net';
import { type Backend } from '#network';
import { type Logger } from '#telemetry';
import { type ForwarderTarget } from './forwarder-target';

/** What one node port accepts at a time; more are closed at once. */
const MAX_CONNECTIONS = 1024;
/** A backend on this host or its network answers in milliseconds, or not at all. */
const CONNECT_TIMEOUT_MS = 1000;
/** As Linux's own limit for an idle connection would be days, this only frees what both ends have forgotten. */
const IDLE_TIMEOUT_MS = 3_600_000;

/**
 * Accepts TCP connections on one address and passes their bytes to a backend. A backend that cannot be reached is replaced
 * by the next before the client notices. Connections outlive the removal of their backend and `close`; `destroy` ends them.
 */
export class TcpForwarder {
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();

  private constructor(
    private readonly target: ForwarderTarget,
    private readonly logger: Logger,
  ) {
    this.server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) =>
      this.accept(client),
    );
    this.server.maxConnections = MAX_CONNECTIONS;
  }

  /** Resolves when it listens; rejects if the port is taken. */
  static async listen(address: string, port: number, target: ForwarderTarget, logger: Logger): Promise<TcpForwarder> {
    const forwarder = new TcpForwarder(target, logger);
    await new Promise<void>((resolve, reject) => {
      forwarder.server.once('error', reject);
      forwarder.server.listen({ host: address, port, exclusive: true, ipv6Only: true }, () => {
        forwarder.server.off('error', reject);
        forwarder.server.on('error', (error) => logger.warn({ err: error, port }, 'a node port has failed'));
        resolve();
      });
    });
    return forwarder;
  }

  /** How many sockets, of clients and to backends, are open. */
  get connections(): number {
    return this.sockets.size;
  }

  /** Stops accepting; connections go on. */
  close(): void {
    if (this.server.listening) this.server.close();
  }

  destroy(): void {
    this.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private accept(client: net.Socket): void {
    this.track(client);
    const order = this.target.order(client.remoteAddress ?? '');
    const tryNext = (): void => {
      const backend = order.shift();
      if (client.destroyed) return;
      if (backend === undefined) client.resetAndDestroy();
      else this.connect(client, backend, tryNext);
    };
    tryNext();
  }

  private connect(client: net.Socket, backend: Backend, tryNext: () => void): void {
    const upstream = net.connect({ host: backend.ip, port: backend.port, allowHalfOpen: true, noDelay: true });
    this.track(upstream);
    const giveUp = (): void => {
      upstream.destroy();
      tryNext();
    };
    const abandon = (): void => void upstream.destroy();
    client.once('close', abandon);
    upstream.setTimeout(CONNECT_TIMEOUT_MS, giveUp);
    upstream.once('error', giveUp);
    upstream.once('connect', () => {
      upstream.off('error', giveUp);
      upstream.off('timeout', giveUp);
      client.off('close', abandon);
      this.target.used(client.remoteAddress ?? '', backend);
      join(client, upstream);
    });
  }

  private track(socket: net.Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    // What goes wrong with one end is passed on to the other by `join`, or by trying the next backend.
    socket.on('error', (error) => this.logger.trace({ err: error }, 'a forwarded connection has failed'));
  }
}

/** Bytes and ends go both ways; an end that breaks breaks the other. */
function join(one: net.Socket, other: net.Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.setTimeout(IDLE_TIMEOUT_MS, () => from.destroy());
    from.once('close', (hadError) => {
      if (hadError) to.resetAndDestroy();
      else if (!from.readableEnded) to.destroy();
    });
    from.pipe(to);
  }
}
