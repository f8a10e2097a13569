import net from 'node:net';

/** A TCP relay that can be cut: the way to a server that itself is well. */
export class TcpProxy {
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();
  /** Connections that have ended, by whichever side. */
  ended = 0;

  private constructor(target: { host: string; port: number }) {
    this.server = net.createServer((near) => {
      near.once('close', () => this.ended++);
      const far = net.connect(target);
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
  }

  /** @param target `host:port` */
  static async start(target: string, port = 0): Promise<TcpProxy> {
    const [host = '', targetPort] = target.split(':');
    const proxy = new TcpProxy({ host, port: Number(targetPort) });
    await new Promise<void>((resolve, reject) => {
      proxy.server.once('error', reject);
      proxy.server.listen(port, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  get connections(): number {
    return this.sockets.size / 2;
  }

  /** What is open stays so and carries nothing any more, as when a machine loses its power. What comes later is carried. */
  silence(): void {
    for (const socket of this.sockets) socket.unpipe().pause();
  }

  /** Breaks what is open and refuses what comes. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
