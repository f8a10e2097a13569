import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  connectivityState,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { type Clock, type Timer } from '#machinery';
import { type ConnectTls } from '../src/connect-store';
import { openClient } from './channel';

/** How long connecting may take at least, TLS included, on a machine that is busy. */
const MIN_CONNECT_MS = 4_000;

/**
 * One endpoint and the HTTP/2 connection to it, made when it is first asked for and made again when it breaks, or when its other end has
 * vanished without a word. HTTP/2's pings alone do not notice that: there are none while connecting, and none unless a call is under way
 * for longer than most calls may take (etcd closes connections that ping more often).
 */
export class Connection {
  /** When, on the monotonic clock, this endpoint last let somebody down. */
  failedAt = -Infinity;
  private client: Client;
  private heardAt = -Infinity;
  private connecting: Timer | undefined;
  private isClosed = false;

  constructor(
    readonly endpoint: string,
    private readonly tls: ConnectTls | undefined,
    private readonly clock: Clock,
    private readonly keepAliveMs: number,
    private readonly onChange: () => void,
  ) {
    this.client = this.open();
  }

  get isReady(): boolean {
    return this.client.getChannel().getConnectivityState(false) === connectivityState.READY;
  }

  /** Begins to connect unless it is, or does. */
  connect(): void {
    this.client.getChannel().getConnectivityState(true);
  }

  /** Rejects with grpc-js's `ServiceError`; with code CANCELLED when the time is over or the signal aborts. */
  unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = method;
      const { client } = this;
      const askedAt = this.clock.monotonic();
      const settle = (error: ServiceError | null, response?: Response): void => {
        timer.cancel();
        signal.removeEventListener('abort', cancel);
        if (error !== null) return reject(error);
        this.heard();
        resolve(response!);
      };
      const call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, settle);
      const cancel = (): void => call.cancel();
      const timer = this.clock.setTimer(timeoutMs, () => {
        cancel();
        if (this.heardAt < askedAt) this.giveUp(client);
      });
      signal.addEventListener('abort', cancel, { once: true });
    });
  }

  stream<Request, Response>(method: MethodDefinition<Request, Response>): ClientDuplexStream<Request, Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    const stream = this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    stream.on('data', () => this.heard());
    return stream;
  }

  download<Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
  ): ClientReadableStream<Response> {
    return this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
  }

  close(): void {
    this.isClosed = true;
    this.connecting?.cancel();
    this.client.close();
  }

  private heard(): void {
    this.heardAt = this.clock.monotonic();
  }

  /** Calls that it carries may still be answered. */
  private giveUp(client: Client): void {
    if (this.isClosed || client !== this.client) return;
    this.client = this.open();
    client.close();
    this.connect();
    this.onChange();
  }

  private open(): Client {
    const client = openClient(this.endpoint, this.tls, this.keepAliveMs);
    const channel = client.getChannel();
    const follow = (): void => {
      const state = channel.getConnectivityState(false);
      if (state === connectivityState.SHUTDOWN) return;
      if (client === this.client) this.watchConnecting(client, state);
      channel.watchConnectivityState(state, Infinity, () => {
        this.onChange();
        follow();
      });
    };
    follow();
    return client;
  }

  /** grpc-js waits for a handshake for ever. */
  private watchConnecting(client: Client, state: connectivityState): void {
    this.connecting?.cancel();
    this.connecting =
      state === connectivityState.CONNECTING
        ? this.clock.setTimer(Math.max(this.keepAliveMs, MIN_CONNECT_MS), () => this.giveUp(client))
        : undefined;
  }
}

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}
