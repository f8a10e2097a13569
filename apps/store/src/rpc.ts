import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { StoreError } from '#store';
import { type Logger } from '#telemetry';
import { type StoreServerMetrics } from './metrics';
import { type Status, statusOf } from './status';

type RequestOf<M> = M extends { requestDeserialize(bytes: Buffer): infer Request } ? Request : never;
type ResponseOf<M> = M extends { responseDeserialize(bytes: Buffer): infer Response } ? Response : never;

/** The handlers of a service's unary methods, by their names. */
export type UnaryMethods<Service> = {
  readonly [M in keyof Service]?: (request: RequestOf<Service[M]>) => Promise<ResponseOf<Service[M]>>;
};

/** Between grpc-js and our handlers: counts calls, and turns whatever is thrown into a status. */
export class Rpc {
  constructor(
    private readonly metrics: StoreServerMetrics,
    private readonly logger: Logger,
  ) {}

  unary<Request, Response>(handler: (request: Request) => Promise<Response>): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      const ended = this.metrics.call(call.getPath(), 'unary');
      handler(call.request).then(
        (response) => {
          ended(status.OK);
          callback(null, response);
        },
        (error: unknown) => {
          const failure = this.failure(call.getPath(), error);
          ended(failure.code);
          callback(failure);
        },
      );
    };
  }

  /** @param handler resolves when the stream is to end well, rejects with what it ends with otherwise */
  stream<Request, Response>(
    handler: (call: ServerDuplexStream<Request, Response>) => Promise<void>,
  ): handleBidiStreamingCall<Request, Response> {
    return (call) => {
      const ended = this.metrics.call(call.getPath(), 'bidi_stream');
      // A client that goes away, in whatever manner, is none of our errors.
      call.on('error', () => undefined);
      handler(call).then(
        () => {
          ended(call.cancelled ? status.CANCELLED : status.OK);
          call.end();
        },
        (error: unknown) => {
          if (call.cancelled || call.destroyed) return ended(status.CANCELLED);
          const failure = this.failure(call.getPath(), error);
          ended(failure.code);
          call.emit('error', failure);
        },
      );
    };
  }

  private failure(path: string, error: unknown): Partial<ServiceError> & Status {
    const known = statusOf(error);
    if (known === undefined) this.logger.error({ err: error, path }, 'a call failed in an unforeseen way');
    if (error instanceof StoreError && error.code === 'corrupt') this.logger.error({ err: error, path }, 'corrupt');
    return known ?? { code: status.INTERNAL, details: 'internal error' };
  }
}
