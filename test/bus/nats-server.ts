import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { freePort } from '../tools/free-ports';

/** Whether this machine has a broker. Without one the suite is skipped, loudly, except in CI, where that is a failure. */
export function hasNatsServer(): boolean {
  const isInstalled = spawnSync('nats-server', ['--version']).error === undefined;
  if (!isInstalled && process.env.CI !== undefined) throw new Error('nats-server is not installed');
  // eslint-disable-next-line no-console
  if (!isInstalled) console.warn('SKIPPED: nats-server is not installed, the NATS transport is not tested');
  return isInstalled;
}

/** A real broker on a port of its own, which can be killed and started again. */
export class NatsServer {
  private child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly args: readonly string[],
  ) {}

  /** @param configure writes a configuration for a port, and returns its file; absent: everybody may do everything */
  static async start(configure?: (port: number) => string): Promise<NatsServer> {
    const port = await freePort();
    const args = configure === undefined ? ['-a', '127.0.0.1', '-p', String(port)] : ['-c', configure(port)];
    const server = new NatsServer(port, args);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.child = spawn('nats-server', this.args, { stdio: 'ignore' });
    for (let attempt = 0; !(await isOpen(this.port)); attempt++) {
      if (attempt > 500) throw new Error('nats-server does not start');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async stop(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => socket.end(() => resolve(true)));
    socket.once('error', () => resolve(false));
  });
}
