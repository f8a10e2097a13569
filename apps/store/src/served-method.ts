import { type Duplex } from 'node:stream';
import { type MethodDefinition } from '@grpc/grpc-js';
import { type Call } from './call';

type RequestOf<M> = M extends { requestDeserialize(bytes: Buffer): infer Request } ? Request : never;
type ResponseOf<M> = M extends { responseDeserialize(bytes: Buffer): infer Response } ? Response : never;

/** The handlers of a service's unary methods, by their names. */
export type UnaryMethods<Service> = {
  readonly [M in keyof Service]?: (request: RequestOf<Service[M]>, call: Call) => Promise<ResponseOf<Service[M]>>;
};

/** Of those that answer with a stream. */
export type StreamingMethods<Service> = {
  readonly [M in keyof Service]?: (request: RequestOf<Service[M]>, call: Call) => AsyncIterable<ResponseOf<Service[M]>>;
};

/** Of those that take a stream too. Resolves when the stream is to end well, rejects with what it ends with otherwise. */
export type DuplexMethod = (stream: Duplex, call: Call) => Promise<void>;

type Definition = MethodDefinition<unknown, unknown>;

/** A method as gRPC and the JSON gateway serve it. */
export type ServedMethod =
  | {
      readonly kind: 'unary';
      readonly definition: Definition;
      readonly handle: (request: unknown, call: Call) => Promise<unknown>;
    }
  | {
      readonly kind: 'server_stream';
      readonly definition: Definition;
      readonly handle: (request: unknown, call: Call) => AsyncIterable<unknown>;
    }
  | { readonly kind: 'bidi_stream'; readonly definition: Definition; readonly handle: DuplexMethod };

export function unaryMethods<Service extends object>(service: Service, methods: UnaryMethods<Service>): ServedMethod[] {
  return Object.entries(methods).map(([name, handle]) => ({
    kind: 'unary',
    definition: definitionOf(service, name),
    handle: handle as (request: unknown, call: Call) => Promise<unknown>,
  }));
}

export function streamingMethods<Service extends object>(
  service: Service,
  methods: StreamingMethods<Service>,
): ServedMethod[] {
  return Object.entries(methods).map(([name, handle]) => ({
    kind: 'server_stream',
    definition: definitionOf(service, name),
    handle: handle as (request: unknown, call: Call) => AsyncIterable<unknown>,
  }));
}

function definitionOf(service: object, name: string): Definition {
  return (service as Record<string, Definition>)[name]!;
}

/** Yields the requests of a stream, and leaves it open for answers when there are no more. */
export function requestsOf<Request>(stream: Duplex): AsyncIterable<Request> {
  return stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Request>;
}
