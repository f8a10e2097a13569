import { status } from '@grpc/grpc-js';
import { StoreError } from '#store';
import { type Logger } from '#telemetry';
import { type Authenticator } from './authenticator';
import { type Call, type Credentials } from './call';
import { type GrpcCall } from './grpc/grpc-call';
import { type StoreServerMetrics } from './metrics';
import { type ServedMethod } from './served-method';
import { type Status, statusOf } from './status';

/** Between gRPC and our handlers: counts calls, says who asks, and turns whatever is thrown into a status. */
export class Rpc {
  private readonly methods = new Map<string, ServedMethod>();
  private readonly services = new Set<string>();

  constructor(
    private readonly authenticator: Authenticator,
    private readonly metrics: StoreServerMetrics,
    private readonly logger: Logger,
    private readonly stopping: AbortSignal,
  ) {}

  register(methods: readonly ServedMethod[]): void {
    for (const method of methods) {
      const { path } = method.definition;
      this.methods.set(path, method);
      this.services.add(path.split('/')[1]!);
    }
  }

  /** What a call ends with. */
  failure(path: string, error: unknown): Status {
    const known = statusOf(error);
    if (known === undefined) this.logger.error({ err: error, path }, 'a call failed in an unforeseen way');
    if (error instanceof StoreError && error.code === 'corrupt') this.logger.error({ err: error, path }, 'corrupt');
    return known ?? { code: status.INTERNAL, details: 'internal error' };
  }

  serve(path: string, call: GrpcCall): void {
    const method = this.methods.get(path);
    if (method === undefined) return this.refuse(path, call);
    const { definition, kind } = method;
    const metrics = this.metrics.call(path, kind);
    const run = (work: Promise<void>): void => {
      work.then(
        () => call.finish(),
        (error: unknown) => {
          if (!call.isOver) call.fail(this.failure(path, error));
        },
      );
    };
    const context = new RpcCall(call, this.authenticator, this.stopping);
    if (method.kind === 'bidi_stream') {
      call.open({ definition, metrics });
      return run(context.recognised(() => converse(call, method, context)));
    }
    const answer = method.kind === 'unary' ? answerOnce : answerInPieces;
    call.open({
      definition,
      metrics,
      onMessage: (request) => run(context.recognised(() => answer(call, method as never, request, context))),
    });
  }

  private refuse(path: string, call: GrpcCall): void {
    const [, service = '', method = ''] = path.split('/');
    const details = this.services.has(service)
      ? `unknown method ${method} for service ${service}`
      : `unknown service ${service}`;
    call.fail({ code: status.UNIMPLEMENTED, details });
  }
}

async function answerOnce(
  call: GrpcCall,
  method: ServedMethod & { kind: 'unary' },
  request: unknown,
  context: Call,
): Promise<void> {
  call.send(await method.handle(request, context));
}

async function answerInPieces(
  call: GrpcCall,
  method: ServedMethod & { kind: 'server_stream' },
  request: unknown,
  context: Call,
): Promise<void> {
  let goOn: () => void = () => undefined;
  call.onceGone(() => goOn());
  for await (const response of method.handle(request, context)) {
    await new Promise<void>((resolve) => {
      goOn = resolve;
      if (call.isOver) resolve();
      else call.send(response, resolve);
    });
    if (call.isOver) throw GONE;
  }
}

async function converse(call: GrpcCall, method: ServedMethod & { kind: 'bidi_stream' }, context: Call): Promise<void> {
  const stream = call.duplex();
  await method.handle(stream, context);
  await new Promise<void>((resolve) => stream.once('close', resolve).end(resolve));
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

  /** Does the work as soon as it can be known who asks, which is at once but for what is right on another member's heels. */
  recognised(work: () => Promise<void>): Promise<void> {
    return this.authenticator.ready(new LazyCredentials(this.call))?.then(work) ?? work();
  }

  get signal(): AbortSignal {
    if (this.ending !== undefined) return this.ending;
    const gone = new AbortController();
    this.call.onceGone(() => gone.abort(GONE));
    return (this.ending = AbortSignal.any([gone.signal, this.stopping]));
  }
}

const GONE = new StoreError('unavailable', 'the client has gone away');

class LazyCredentials implements Credentials {
  constructor(private readonly call: GrpcCall) {}

  get token(): string | undefined {
    return this.call.field('token') ?? this.call.field('authorization');
  }

  get commonName(): string | undefined {
    return this.call.commonName;
  }
}
