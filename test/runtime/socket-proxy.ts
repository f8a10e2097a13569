import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Stands before the engine's socket, so that a test can take the engine away without stopping it. */
export class SocketProxy {
  private readonly connections = new Set<net.Socket>();
  private isCut = false;

  private constructor(
    private readonly server: net.Server,
    readonly path: string,
  ) {}

  static async listen(target = '/var/run/docker.sock'): Promise<SocketProxy> {
    const server = net.createServer({ allowHalfOpen: true });
    const proxy = new SocketProxy(server, join(mkdtempSync(join(tmpdir(), 'nestor-proxy-')), 'docker.sock'));
    server.on('connection', (client) => proxy.accept(client, target));
    server.listen(proxy.path);
    await once(server, 'listening');
    return proxy;
  }

  /** Ends every connection, and refuses new ones. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.connections) socket.destroy();
  }

  mend(): void {
    this.isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
    rmSync(dirname(this.path), { recursive: true, force: true });
  }

  private accept(client: net.Socket, target: string): void {
    if (this.isCut) return void client.destroy();
    const engine = net.connect({ path: target, allowHalfOpen: true });
    for (const [one, other] of [
      [client, engine],
      [engine, client],
    ] as const) {
      this.connections.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.connections.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
