import { connect, createServer, type Socket, type AddressInfo } from 'node:net';
import { type Clock, delay } from '#machinery';
import { type Address } from '#process';
import { Counter, Gauge, type Logger, type Registry, type RunningComponent } from '#telemetry';
import { addressText, Backends, type BackendState } from './backends';
import { checkReady } from './check';

export interface LoadBalancerConfig {
  readonly listen: Address;
  readonly backends: readonly Address[];
  readonly checkIntervalMs: number;
  readonly checkTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

export interface LoadBalancerDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** How a backend is; default: what its `/readyz` says. Never rejects. */
  readonly check?: (backend: Address, timeoutMs: number, clock: Clock) => Promise<BackendState>;
}

export interface RunningLoadBalancer extends RunningComponent {
  readonly address: Address;
  /** How many backends are ready. */
  readonly available: () => number;
}

/** More than this machine's file descriptors would carry; further clients are turned away. */
const MAX_CLIENTS = 8_192;
/** Tells a peer that has vanished from one that is silent. */
const KEEP_ALIVE_MS = 30_000;

/** Passes TCP connections on to the backend whose turn it is. TLS goes through: this process holds no key. */
export async function startLoadBalancer(
  config: LoadBalancerConfig,
  dependencies: LoadBalancerDependencies,
): Promise<RunningLoadBalancer> {
  const balancer = new LoadBalancer(config, dependencies);
  const address = await balancer.listen();
  return { name: 'load-balancer', address, available: () => balancer.available(), stop: () => balancer.stop() };
}

class LoadBalancer {
  private readonly backends: Backends<Address>;
  private readonly server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    void this.serve(client);
  });
  private readonly clients = new Set<Socket>();
  private readonly upstreams = new Map<Address, Set<Socket>>();
  private readonly stopping = new AbortController();
  private readonly connections: Counter<'backend' | 'outcome'>;
  private readonly ready: Gauge<'backend'>;
  private checking: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly config: LoadBalancerConfig,
    private readonly dependencies: LoadBalancerDependencies,
  ) {
    this.backends = new Backends(config.backends);
    const registers = [dependencies.metrics];
    this.connections = new Counter({
      name: 'load_balancer_connections_total',
      help: 'Connections to backends, by how connecting went',
      labelNames: ['backend', 'outcome'],
      registers,
    });
    this.ready = new Gauge({
      name: 'load_balancer_backend_ready',
      help: 'Whether the backend said that it is ready',
      labelNames: ['backend'],
      registers,
    });
  }

  async listen(): Promise<Address> {
    const { server, config } = this;
    server.maxConnections = MAX_CLIENTS;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(config.listen.port, config.listen.host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    // Such as: no file descriptors left. The next client may have more luck.
    server.on('error', (error) => this.dependencies.logger.error({ err: error }, 'cannot accept a connection'));
    this.checking = Promise.all(config.backends.map((backend) => this.watch(backend)));
    return { host: config.listen.host, port: (server.address() as AddressInfo).port };
  }

  available(): number {
    return this.backends.available();
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error('the load balancer stops'));
    const closed = this.server.listening
      ? new Promise<void>((resolve) => this.server.close(() => resolve()))
      : Promise.resolve();
    for (const client of this.clients) client.destroy();
    await Promise.all([closed, this.checking]);
  }

  /** Checks one backend until the end. */
  private async watch(backend: Address): Promise<void> {
    const { clock, check = checkReady } = this.dependencies;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      this.mark(backend, await check(backend, this.config.checkTimeoutMs, clock));
      await delay(clock, this.config.checkIntervalMs, signal).catch(() => undefined);
    }
  }

  private mark(backend: Address, state: BackendState): void {
    this.ready.set({ backend: addressText(backend) }, state === 'ready' ? 1 : 0);
    if (!this.backends.mark(backend, state)) return;
    this.dependencies.logger.info({ backend: addressText(backend), state }, 'a backend has changed');
    if (state !== 'dead') return;
    // Its machine may be gone without a word: clients are to learn it now, and come again.
    for (const upstream of this.upstreams.get(backend) ?? []) upstream.destroy();
  }

  /** One client, from its first byte to its last. Never rejects. */
  private async serve(client: Socket): Promise<void> {
    this.clients.add(client);
    client.once('close', () => this.clients.delete(client));
    client.on('error', () => client.destroy());
    client.setKeepAlive(true, KEEP_ALIVE_MS);
    for (const backend of this.backends.order()) {
      const upstream = await this.connect(backend, client);
      if (client.destroyed || this.stopping.signal.aborted) {
        upstream?.destroy();
        client.destroy();
        return;
      }
      if (upstream !== undefined) return join(client, upstream);
    }
    this.dependencies.logger.warn('a client was turned away: no backend can be reached');
    client.destroy();
  }

  /** A connection to the backend; nothing was sent yet, so another may be tried if there is none. */
  private connect(backend: Address, client: Socket): Promise<Socket | undefined> {
    const { clock } = this.dependencies;
    const open = this.upstreams.get(backend) ?? new Set();
    this.upstreams.set(backend, open);
    return new Promise((resolve) => {
      const upstream = connect({ ...backend, allowHalfOpen: true, noDelay: true });
      const settle = (outcome: 'connected' | 'failed'): void => {
        timer.cancel();
        client.off('close', onGone);
        this.connections.inc({ backend: addressText(backend), outcome });
        resolve(outcome === 'connected' ? upstream : undefined);
      };
      const onGone = (): void => void upstream.destroy();
      const timer = clock.setTimer(this.config.connectTimeoutMs, onGone);
      client.once('close', onGone);
      open.add(upstream);
      upstream.setKeepAlive(true, KEEP_ALIVE_MS);
      upstream.once('connect', () => {
        upstream.off('close', onClosed);
        settle('connected');
      });
      const onClosed = (): void => settle('failed');
      upstream.once('close', onClosed);
      upstream.once('close', () => open.delete(upstream));
      // 'close' follows, and says all there is to say.
      upstream.on('error', () => upstream.destroy());
    });
  }
}

/** Passes bytes both ways; each side may end before the other, and neither outlives it. */
function join(client: Socket, upstream: Socket): void {
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    from.pipe(to);
    // What was received before the end is still to be sent; a broken connection is broken for both.
    from.once('close', () => (from.errored === null ? to.destroySoon() : to.destroy()));
  }
}
