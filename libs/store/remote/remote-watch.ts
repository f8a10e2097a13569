import { type ClientDuplexStream } from '@grpc/grpc-js';
import { type etcdserverpb, watchService } from '#etcd';
import { type Clock, delay, type Timer } from '#machinery';
import { type Logger } from '#telemetry';
import { storeErrors } from '../src/errors';
import { StoreError, type Watch, type WatchHandler, type WatchRequest } from '../src/key-value-store';
import { backoffMs } from './backoff';
import { type Connection, isServiceError } from './connection';
import { type Connections } from './connections';
import { toWatchCreate } from './requests';
import { failureOf } from './status';
import { WatchAssembler } from './watch-assembler';

type WatchStream = ClientDuplexStream<etcdserverpb.WatchRequest, etcdserverpb.WatchResponse>;

export interface RemoteWatchContext {
  readonly connections: Connections;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly keepAliveMs: number;
  /** The newest revision that the client had heard of when it asked for the watch. */
  readonly past: number;
  /** @throws StoreError if the answer comes from another cluster */
  hear(connection: Connection, header: etcdserverpb.ResponseHeader | undefined): void;
}

/** A stream that ends takes its watch to the next connection; this one is over. */
class WatchEnded extends Error {}

const PROGRESS: etcdserverpb.WatchRequest = { requestUnion: { $case: 'progressRequest', progressRequest: {} } };

/** How long to wait for a connection before saying that there is none. */
const PATIENCE_MS = 10_000;

/** One watch, on one stream after the other: each goes on at the first revision that the one before has not delivered. */
export class RemoteWatch implements Watch {
  /** Resolves when the server knows of the watch, or the watch is over: then nothing that is written later can escape it. */
  readonly opened: Promise<void>;
  private readonly over = new AbortController();
  private readonly assembler: WatchAssembler;
  private markOpened: () => void = () => undefined;

  constructor(
    private readonly request: WatchRequest,
    private readonly handler: WatchHandler,
    private readonly context: RemoteWatchContext,
    private readonly onOver: (watch: RemoteWatch) => void,
  ) {
    this.opened = new Promise((resolve) => (this.markOpened = resolve));
    this.assembler = new WatchAssembler(request.startRevision ?? 0, context.past);
    void this.run();
  }

  get revision(): number {
    return Math.max(0, this.assembler.nextRevision - 1);
  }

  cancel(): void {
    if (this.over.signal.aborted) return;
    this.over.abort(new WatchEnded());
    this.markOpened();
    this.onOver(this);
  }

  end(error: StoreError): void {
    if (this.over.signal.aborted) return;
    this.cancel();
    try {
      this.handler.onEnd(error);
    } catch (err) {
      this.context.logger.error({ err }, 'a watch handler failed');
    }
  }

  /** Never rejects. */
  private async run(): Promise<void> {
    const { connections, clock, random, logger } = this.context;
    const { signal } = this.over;
    for (let attempt = 0; !signal.aborted; attempt++) {
      let connection: Connection | undefined;
      try {
        connection = await connections.ready(PATIENCE_MS, signal);
        const before = this.assembler.nextRevision;
        await this.follow(connection).finally(() => {
          if (this.assembler.nextRevision !== before) attempt = 0;
        });
      } catch (err) {
        if (signal.aborted) return;
        if (connection !== undefined) connections.failed(connection);
        logger.warn({ err, endpoint: connection?.endpoint, next: this.assembler.nextRevision }, 'watch interrupted');
        await delay(clock, backoffMs(attempt, random), signal).catch(() => undefined);
      }
    }
  }

  /** Rejects when the stream is over, for whatever reason. */
  private async follow(connection: Connection): Promise<never> {
    const stream = connection.stream(watchService.watch);
    const abort = (): void => stream.cancel();
    this.over.signal.addEventListener('abort', abort, { once: true });
    const pulse = new Pulse(this.context, stream);
    try {
      return await new Promise<never>((_, reject) => {
        // What comes after the first of these is of no interest, but needs a listener.
        stream.on('error', (error) => reject(isServiceError(error) ? failureOf(error).error : error));
        stream.on('end', () => reject(new StoreError('unavailable', 'the server ended the watch stream')));
        stream.on('data', (response: etcdserverpb.WatchResponse) => {
          pulse.felt();
          try {
            this.receive(connection, response);
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
        pulse.onLost = () => reject(new StoreError('unavailable', 'the server gave no sign of life'));
        stream.write(toWatchCreate(this.request, this.assembler.nextRevision));
      });
    } finally {
      pulse.stop();
      this.over.signal.removeEventListener('abort', abort);
      stream.cancel();
    }
  }

  private receive(connection: Connection, response: etcdserverpb.WatchResponse): void {
    if (this.over.signal.aborted) return;
    this.context.hear(connection, response.header);
    if (response.compactRevision > 0n) return this.end(storeErrors.compacted(Number(response.compactRevision)));
    if (response.canceled) {
      const reason = response.cancelReason || 'the server cancelled the watch';
      // etcd's way to say that the request makes no sense.
      if (reason.startsWith('mvcc: ')) return this.end(storeErrors.invalid(reason));
      throw new StoreError('unavailable', reason);
    }
    if (response.created) {
      this.assembler.created(response);
      this.markOpened();
      return;
    }
    // The stream's only watch has id 0. -1 answers a request for progress, which etcd before 3.4.25 sends ahead of events.
    if (response.watchId !== 0n) return;
    for (const batch of this.assembler.add(response)) {
      try {
        this.handler.onBatch(batch);
      } catch (err) {
        this.context.logger.error({ err }, 'a watch handler failed');
        this.cancel();
      }
      if (this.over.signal.aborted) return;
    }
  }
}

/** Asks a silent stream for a sign of life. HTTP/2's pings see a dead connection; this sees a live one with a dead watch. */
class Pulse {
  onLost: () => void = () => undefined;
  private timer: Timer | undefined;
  private isAsked = false;

  constructor(
    private readonly context: Pick<RemoteWatchContext, 'clock' | 'keepAliveMs'>,
    private readonly stream: WatchStream,
  ) {
    this.arm();
  }

  felt(): void {
    this.isAsked = false;
    this.wasFelt = true;
  }

  private wasFelt = false;

  stop(): void {
    this.timer?.cancel();
  }

  private arm(): void {
    this.timer = this.context.clock.setTimer(this.context.keepAliveMs, () => {
      if (this.isAsked) return this.onLost();
      if (!this.wasFelt) {
        this.isAsked = true;
        this.stream.write(PROGRESS);
      }
      this.wasFelt = false;
      this.arm();
    });
  }
}
