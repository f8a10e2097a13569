import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  connectivityState,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { type Clock } from '#machinery';
import { type ConnectTls } from '../src/connect-store';
import { openClient } from './channel';

/** One endpoint and the HTTP/2 connection to it, made when it is first asked for and made again when it breaks. */
export class Connection {
  /** When, on the monotonic clock, this endpoint last let somebody down. */
  failedAt = -Infinity;
  private readonly client: Client;

  constructor(
    readonly endpoint: string,
    tls: ConnectTls | undefined,
    private readonly clock: Clock,
    keepAliveMs: number,
    onChange: () => void,
  ) {
    this.client = openClient(endpoint, tls, keepAliveMs);
    this.follow(onChange);
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
      const settle = (error: ServiceError | null, response?: Response): void => {
        timer.cancel();
        signal.removeEventListener('abort', cancel);
        if (error !== null) reject(error);
        else resolve(response!);
      };
      const call = this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, settle);
      const cancel = (): void => call.cancel();
      const timer = this.clock.setTimer(timeoutMs, cancel);
      signal.addEventListener('abort', cancel, { once: true });
    });
  }

  stream<Request, Response>(method: MethodDefinition<Request, Response>): ClientDuplexStream<Request, Response> {
    return this.client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
  }

  download<Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
  ): ClientReadableStream<Response> {
    return this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
  }

  close(): void {
    this.client.close();
  }

  private follow(onChange: () => void): void {
    const channel = this.client.getChannel();
    const wait = (): void => {
      const state = channel.getConnectivityState(false);
      if (state === connectivityState.SHUTDOWN) return;
      channel.watchConnectivityState(state, Infinity, () => {
        onChange();
        wait();
      });
    };
    wait();
  }
}

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}
