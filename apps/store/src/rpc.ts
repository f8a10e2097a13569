import { status } from '@grpc/grpc-js';
import { StoreError } from '#store';
import { type Logger } from '#telemetry';
import { type Admission } from './admission';
import { type Authenticator } from './authenticator';
import { type Call, type Credentials } from './call';
import { type GrpcCall } from './grpc/grpc-call';
import { type StoreServerMetrics } from './metrics';
import { type ServedMethod } from './served-method';
import { type Status, statusOf } from './status';

export interface RpcOptions {
  readonly authenticator: Authenticator;
  /** Undefined: the store behind is not one of several. */
  readonly admission: Admission | undefined;
  readonly metrics: StoreServerMetrics;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
}

/** Between gRPC and our handlers: counts calls, says who asks, and turns whatever is thrown into a status. */
export class Rpc {
  private readonly methods = new Map<string, ServedMethod>();
  private readonly services = new Set<string>();

  constructor(private readonly options: RpcOptions) {}

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
    if (known === undefined) this.options.logger.error({ err: error, path }, 'a call failed in an unforeseen way');
    if (error instanceof StoreError && error.code === 'corrupt')
      this.options.logger.error({ err: error, path }, 'corrupt');
    return known ?? { code: status.INTERNAL, details: 'internal error' };
  }

  serve(path: string, call: GrpcCall): void {
    const method = this.methods.get(path);
    if (method === undefined) return this.refuse(path, call);
    const { definition, kind } = method;
    const metrics = this.options.metrics.call(path, kind);
    const run = (work: Promise<void>): void => {
      work.then(
        () => call.finish(),
        (error: unknown) => {
          if (!call.isOver) call.fail(this.failure(path, error));
        },
      );
    };
    const context = new RpcCall(call, this.options);
    if (method.kind === 'bidi_stream') {
      call.open({ definition, metrics });
      return run(this.admit(method, context, () => converse(call, method, context)));
    }
    const answer = method.kind === 'unary' ? answerOnce : answerInPieces;
    call.open({
      definition,
      metrics,
      onMessage: (request) =>
        run(this.admit(method, context, () => answer(call, method as never, request, context), request)),
    });
  }

  private admit(
    { kind, definition: { path } }: ServedMethod,
    context: RpcCall,
    work: () => Promise<void>,
    request?: unknown,
  ): Promise<void> {
    const { admission } = this.options;
    const refusal = admission?.refusal(path, request, context.insistsOnLeader);
    if (refusal !== undefined) return Promise.reject(refusal);
    const working = context.recognised(work);
    if (admission === undefined || kind === 'unary' || !context.insistsOnLeader) return working;
    return working.finally(admission.keepStream((error) => context.abandon(error, this.failure(path, error))));
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
  private gone: AbortController | undefined;
  private ending: AbortSignal | undefined;

  constructor(
    private readonly call: GrpcCall,
    private readonly options: Pick<RpcOptions, 'authenticator' | 'stopping'>,
  ) {}

  caller(): ReturnType<Call['caller']> {
    return this.options.authenticator.recognise(new LazyCredentials(this.call));
  }

  /** As clientv3's `WithRequireLeader` says it. */
  get insistsOnLeader(): boolean {
    return this.call.field('hasleader') === 'true';
  }

  /** Does the work as soon as it can be known who asks, which is at once but for what is right on another member's heels. */
  recognised(work: () => Promise<void>): Promise<void> {
    return this.options.authenticator.ready(new LazyCredentials(this.call))?.then(work) ?? work();
  }

  /** Ends the call, and the work on it. */
  abandon(reason: Error, status: Status): void {
    this.gone?.abort(reason);
    this.call.fail(status);
  }

  get signal(): AbortSignal {
    if (this.ending !== undefined) return this.ending;
    const gone = (this.gone = new AbortController());
    this.call.onceGone(() => gone.abort(GONE));
    return (this.ending = AbortSignal.any([gone.signal, this.options.stopping]));
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
