import { type Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { type Clock, type Timer } from '#machinery';
import { type Logger } from '#telemetry';
import { Http2Connection } from '../http2/connection';
import { encodeFields, type Field } from '../http2/hpack';
import { type Http2Stream, type StreamListener } from '../http2/stream';
import { BodyBudget } from './body-budget';
import { GrpcCall } from './grpc-call';
import { timeoutMs } from './grpc-timeout';

export interface GrpcServerOptions {
  readonly clock: Clock;
  readonly maxMessageBytes: number;
  readonly logger: Logger;
  /** A call begins; its message follows. */
  onCall(path: string, call: GrpcCall): void;
}

/** Calls at a time on one connection. */
const MAX_STREAMS = 10_000;
/** Of requests on one connection that have not arrived whole, unless a message may be larger. */
const MAX_UNFINISHED_BYTES = 64 * 1024 * 1024;
/** A client of which nothing is heard for three looks is pinged, and given up at the fourth. */
const LOOK_MS = 20_000;
const PATIENCE = 3;
/** How exact deadlines are. One timer for all of them, since most calls are over long before. */
const DEADLINE_MS = 50;
/** How long calls in flight may take at stop. */
const DRAIN_MS = 5_000;

const NO_LISTENER: StreamListener = { onData: () => undefined, onEnd: () => undefined, onGone: () => undefined };

/** gRPC's side of connections that speak HTTP/2: which of their requests are calls, and until when. */
export class GrpcServer {
  private readonly connections = new Set<Http2Connection>();
  private readonly deadlines = new Map<GrpcCall, number>();
  private looking: Timer | undefined;
  private watching: Timer | undefined;
  private onEmpty: (() => void) | undefined;

  constructor(private readonly options: GrpcServerOptions) {}

  accept(socket: Socket): void {
    // A message that is refused for its length begins within it.
    const streamWindowBytes = this.options.maxMessageBytes + 64 * 1024;
    const budget = new BodyBudget(Math.max(MAX_UNFINISHED_BYTES, 2 * streamWindowBytes));
    const connection: Http2Connection = new Http2Connection(socket, {
      streamWindowBytes,
      maxStreams: MAX_STREAMS,
      onStream: (stream, fields) => this.begin(stream, fields, socket, budget),
      onClose: () => this.remove(connection),
      onDefect: (err) => this.options.logger.error({ err }, 'a connection failed in an unforeseen way'),
    });
    this.connections.add(connection);
    if (socket.destroyed) this.remove(connection);
    this.look();
  }

  /** Resolves when no connection is left: after the last call, or when they have had their time. */
  async stop(): Promise<void> {
    for (const connection of this.connections) connection.leave();
    if (this.connections.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.options.clock.setTimer(DRAIN_MS, () => {
          for (const { socket } of this.connections) socket.destroy();
        });
        this.onEmpty = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    this.looking?.cancel();
    this.watching?.cancel();
  }

  private begin(stream: Http2Stream, fields: readonly Field[], socket: Socket, budget: BodyBudget): StreamListener {
    const call = new GrpcCall(stream, fields, socket, this.options.maxMessageBytes, budget);
    const refusal = refusalOf(call);
    if (refusal !== undefined) {
      stream.end(encodeFields([[':status', refusal]]));
      return NO_LISTENER;
    }
    this.options.onCall(call.field(':path') ?? '', call);
    const timeout = call.field('grpc-timeout');
    if (timeout !== undefined) this.limit(call, timeoutMs(timeout));
    const encoding = call.field('grpc-encoding') ?? 'identity';
    if (encoding !== 'identity') {
      const details = `grpc: Decompressor is not installed for grpc-encoding ${JSON.stringify(encoding)}`;
      call.fail({ code: status.UNIMPLEMENTED, details });
    }
    return call;
  }

  private remove(connection: Http2Connection): void {
    this.connections.delete(connection);
    if (this.connections.size === 0) this.onEmpty?.();
  }

  /** @param ms undefined: what the client says makes no sense */
  private limit(call: GrpcCall, ms: number | undefined): void {
    if (call.isOver) return;
    if (ms === undefined) return call.fail({ code: status.INTERNAL, details: 'malformed grpc-timeout' });
    this.deadlines.set(call, this.options.clock.monotonic() + ms);
    this.watch();
  }

  private watch(): void {
    this.watching ??= this.options.clock.setTimer(DEADLINE_MS, () => {
      this.watching = undefined;
      const now = this.options.clock.monotonic();
      for (const [call, deadline] of this.deadlines) {
        if (deadline <= now) call.expire();
        if (call.isOver) this.deadlines.delete(call);
      }
      if (this.deadlines.size > 0) this.watch();
    });
  }

  private look(): void {
    this.looking ??= this.options.clock.setTimer(LOOK_MS, () => {
      this.looking = undefined;
      for (const connection of this.connections) connection.look(PATIENCE);
      if (this.connections.size > 0) this.look();
    });
  }
}

/** @returns HTTP's status for what is no call */
function refusalOf(call: GrpcCall): string | undefined {
  if (call.field(':method') !== 'POST') return '405';
  return call.field('content-type')?.startsWith('application/grpc') === true ? undefined : '415';
}
