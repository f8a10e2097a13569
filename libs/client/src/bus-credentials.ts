import { type BusCredentials, type BusIdentity } from '#bus';
import { type Clock, type Timer, delay } from '#machinery';
import { createBusKey } from '#pki';
import { type Logger } from '#telemetry';
import { createHttpClient } from './http-client';

export interface BusCredentialsOptions {
  /** Gateways, `https://host:port`; any of them will do. */
  readonly servers: readonly string[];
  /** Whom the gateways know by the certificate. Read before each request: certificates are renewed, too. */
  readonly tls: () => { readonly caPem: string; readonly certificatePem: string; readonly keyPem: string };
  /** The certificate's common name. */
  readonly user: string;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Gives up waiting for the first credentials. */
  readonly signal?: AbortSignal;
}

/** An identity that renews itself until it is stopped. */
export interface RenewedBusIdentity extends BusIdentity {
  /** Where the broker is, as the gateways say; empty if they do not. */
  readonly servers: readonly string[];
  stop(): void;
}

interface Granted extends BusCredentials {
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly servers: readonly string[];
}

const PATH = '/nestor/v1/bus-credentials';
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 30_000;

/**
 * Gets credentials for the bus from a gateway, by client certificate, and renews them when two thirds of their time are
 * over. Resolves with the first; until then it asks one gateway after the other, for as long as it takes. Rejects when aborted.
 */
export async function obtainBusIdentity(options: BusCredentialsOptions): Promise<RenewedBusIdentity> {
  const identity = new Renewal(options);
  await identity.start();
  return identity;
}

class Renewal implements RenewedBusIdentity {
  private readonly stopping = new AbortController();
  private readonly listeners = new Set<() => void>();
  private granted: Granted | undefined;
  private timer: Timer | undefined;

  constructor(private readonly options: BusCredentialsOptions) {}

  get user(): string {
    return this.options.user;
  }

  get servers(): readonly string[] {
    return this.granted?.servers ?? [];
  }

  credentials(): BusCredentials {
    if (this.granted === undefined) throw new Error('there are no credentials for the bus yet');
    return this.granted;
  }

  onRenewed(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  stop(): void {
    this.stopping.abort(new Error('stopped'));
    this.timer?.cancel();
    this.listeners.clear();
  }

  async start(): Promise<void> {
    const { signal } = this.options;
    const both = signal === undefined ? this.stopping.signal : AbortSignal.any([signal, this.stopping.signal]);
    this.granted = await this.obtain(both);
    this.schedule();
  }

  private schedule(): void {
    const { clock, random } = this.options;
    const left = (this.granted?.expiresAt ?? 0) - clock.now();
    // Not all components at once.
    this.timer = clock.setTimer(Math.max(1000, left * (0.6 + random() * 0.1)), () => {
      this.renew().catch((error: unknown) => this.options.logger.error({ err: error }, 'bus credentials not renewed'));
    });
  }

  private async renew(): Promise<void> {
    try {
      this.granted = await this.obtain(this.stopping.signal);
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      throw error;
    }
    this.schedule();
    for (const listener of this.listeners) listener();
  }

  /** Asks until somebody answers. Rejects only when aborted. */
  private async obtain(signal: AbortSignal): Promise<Granted> {
    const { clock, random, logger, servers } = this.options;
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      const server = servers[attempt % servers.length] ?? '';
      try {
        return await this.ask(server);
      } catch (error) {
        logger.warn({ err: error, server }, 'no credentials for the bus yet');
      }
      const rounds = Math.floor(attempt / servers.length);
      const wait = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(rounds, 16)) * (0.5 + random() / 2);
      await delay(clock, wait, signal);
    }
  }

  private async ask(server: string): Promise<Granted> {
    const { clock, random, userAgent } = this.options;
    const { caPem: ca, certificatePem: cert, keyPem: key } = this.options.tls();
    const busKey = await createBusKey();
    const client = createHttpClient({ server, ca, cert, key, clock, random, userAgent, connections: 1 });
    try {
      const body = { publicKey: busKey.publicKey };
      const answer = await client.raw({ method: 'POST', path: PATH, body });
      const { token, expiresAt, servers } = answer as { token?: unknown; expiresAt?: unknown; servers?: unknown };
      if (typeof token !== 'string' || typeof expiresAt !== 'number') throw new Error('the answer is no credential');
      return { token, seed: busKey.seed, expiresAt, servers: isTexts(servers) ? servers : [] };
    } finally {
      await client.close();
    }
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}
