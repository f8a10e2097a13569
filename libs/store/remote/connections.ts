import { type Clock } from '#machinery';
import { storeErrors } from '../src/errors';
import { type ConnectStoreOptions } from '../src/connect-store';
import { Connection } from './connection';

/**
 * All endpoints of the cluster. While one connection works it is used; when it fails all others are tried at once, and the one
 * that let us down longest ago is preferred.
 */
export class Connections {
  private readonly all: readonly Connection[];
  private readonly clock: Clock;
  private readonly waiters = new Set<() => void>();

  /** @throws StoreError `invalid-argument` */
  constructor({ endpoints, tls, clock }: ConnectStoreOptions, keepAliveMs: number) {
    if (endpoints.length === 0) throw storeErrors.invalid('a store needs at least one endpoint');
    const onChange = (): void => {
      for (const wake of [...this.waiters]) wake();
    };
    this.all = endpoints.map((endpoint) => new Connection(endpoint, tls, clock, keepAliveMs, onChange));
    this.clock = clock;
  }

  get size(): number {
    return this.all.length;
  }

  /** A connection that works as far as is known. Rejects with `unavailable` after `timeoutMs`, or with the signal's reason. */
  async ready(timeoutMs: number, signal: AbortSignal): Promise<Connection> {
    return this.best() ?? this.wait(timeoutMs, signal);
  }

  /** The endpoint did not do what it should: others are better, if there are any. */
  failed(connection: Connection): void {
    connection.failedAt = this.clock.monotonic();
  }

  close(): void {
    for (const connection of this.all) connection.close();
  }

  private best(): Connection | undefined {
    let best: Connection | undefined;
    for (const connection of this.all) {
      if (connection.isReady && (best === undefined || connection.failedAt < best.failedAt)) best = connection;
    }
    // One that failed is used again only if nothing that failed earlier, or never, can be reached.
    if (best === undefined || best.failedAt > -Infinity) for (const connection of this.all) connection.connect();
    return best;
  }

  private wait(timeoutMs: number, signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        timer.cancel();
        this.waiters.delete(wake);
        signal.removeEventListener('abort', abort);
      };
      const wake = (): void => {
        const best = this.best();
        if (best === undefined) return;
        end();
        resolve(best);
      };
      const abort = (): void => {
        end();
        reject(signal.reason as Error);
      };
      const timer = this.clock.setTimer(timeoutMs, () => {
        end();
        reject(storeErrors.unreachable(this.all.map(({ endpoint }) => endpoint)));
      });
      if (signal.aborted) return abort();
      this.waiters.add(wake);
      signal.addEventListener('abort', abort, { once: true });
    });
  }
}
