import { once } from 'node:events';
import { type Duplex } from 'node:stream';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type ServiceError,
  status,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { StoreError } from '#store';
import { type Logger } from '#telemetry';
import { type Authenticator } from './authenticator';
import { type Call, type Credentials } from './call';
import { type StoreServerMetrics } from './metrics';
import { type ServedMethod } from './served-method';
import { type Status, statusOf } from './status';

type GrpcCall = Pick<ServerUnaryCall<unknown, unknown>, 'metadata' | 'cancelled' | 'getAuthContext' | 'getPath'> & {
  once(event: 'cancelled', listener: () => void): unknown;
};

/** Between grpc-js and our handlers: counts calls, says who asks, and turns whatever is thrown into a status. */
export class Rpc {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly metrics: StoreServerMetrics,
    private readonly logger: Logger,
    private readonly stopping: AbortSignal,
  ) {}

  register(server: Server, methods: readonly ServedMethod[]): void {
    const definitions: Record<string, ServiceDefinition[string]> = {};
    const handlers: Record<string, UntypedHandleCall> = {};
    for (const method of methods) {
      const { path } = method.definition;
      definitions[path] = method.definition;
      handlers[path] = this.handlerOf(method);
    }
    server.addService(definitions, handlers);
  }

  /** What a call ends with. */
  failure(path: string, error: unknown): Partial<ServiceError> & Status {
    const known = statusOf(error);
    if (known === undefined) this.logger.error({ err: error, path }, 'a call failed in an unforeseen way');
    if (error instanceof StoreError && error.code === 'corrupt') this.logger.error({ err: error, path }, 'corrupt');
    return known ?? { code: status.INTERNAL, details: 'internal error' };
  }

  private handlerOf(method: ServedMethod): UntypedHandleCall {
    switch (method.kind) {
      case 'unary':
        return this.unary(method);
      case 'server_stream':
        return this.serverStream(method);
      case 'bidi_stream':
        return this.duplex(method) as UntypedHandleCall;
    }
  }

  private unary({ definition: { path }, handle }: ServedMethod & { kind: 'unary' }): handleUnaryCall<unknown, unknown> {
    return (call, callback) => {
      const ended = this.metrics.call(path, 'unary');
      handle(call.request, this.callOf(call)).then(
        (response) => {
          ended(status.OK);
          callback(null, response);
        },
        (error: unknown) => {
          const failure = this.failure(path, error);
          ended(failure.code);
          callback(failure);
        },
      );
    };
  }

  private serverStream(method: ServedMethod & { kind: 'server_stream' }): handleServerStreamingCall<unknown, unknown> {
    return (call) => {
      const work = async (): Promise<void> => {
        const { signal } = this.callOf(call);
        for await (const response of method.handle(call.request, this.callOf(call))) {
          if (!call.write(response)) await once(call, 'drain', { signal });
        }
      };
      this.run(call as never, method, work);
    };
  }

  private duplex(method: ServedMethod & { kind: 'bidi_stream' }) {
    return (call: ServerDuplexStream<unknown, unknown>): void => {
      this.run(call, method, () => method.handle(call as unknown as Duplex, this.callOf(call)));
    };
  }

  private run(call: ServerDuplexStream<unknown, unknown>, method: ServedMethod, work: () => Promise<void>): void {
    const { path } = method.definition;
    const ended = this.metrics.call(path, method.kind);
    // A client that goes away, in whatever manner, is none of our errors.
    call.on('error', () => undefined);
    work().then(
      () => {
        ended(call.cancelled ? status.CANCELLED : status.OK);
        call.end();
      },
      (error: unknown) => {
        if (call.cancelled || call.destroyed) return ended(status.CANCELLED);
        const failure = this.failure(path, error);
        ended(failure.code);
        call.emit('error', failure);
      },
    );
  }

  private callOf(call: GrpcCall): Call {
    return new RpcCall(call, this.authenticator, this.stopping);
  }
}

/** Does nothing until it is asked: most calls need no signal, and are told apart only if authentication is enabled. */
class RpcCall implements Call {
  private ending: AbortSignal | undefined;

  constructor(
    private readonly call: GrpcCall,
    private readonly authenticator: Authenticator,
    private readonly stopping: AbortSignal,
  ) {}

  caller(): ReturnType<Call['caller']> {
    return this.authenticator.recognise(new LazyCredentials(this.call));
  }

  get signal(): AbortSignal {
    if (this.ending !== undefined) return this.ending;
    const gone = new AbortController();
    if (this.call.cancelled) gone.abort(GONE);
    else this.call.once('cancelled', () => gone.abort(GONE));
    return (this.ending = AbortSignal.any([gone.signal, this.stopping]));
  }
}

const GONE = new StoreError('unavailable', 'the client has gone away');

class LazyCredentials implements Credentials {
  constructor(private readonly call: GrpcCall) {}

  get token(): string | undefined {
    const { metadata } = this.call;
    return firstOf(metadata, 'token') ?? firstOf(metadata, 'authorization');
  }

  get commonName(): string | undefined {
    const name = this.call.getAuthContext().sslPeerCertificate?.subject.CN;
    return Array.isArray(name) ? name[0] : name;
  }
}

function firstOf(metadata: Metadata, name: string): string | undefined {
  return metadata.get(name)[0]?.toString();
}
