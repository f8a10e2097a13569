import { type MethodDefinition } from '@grpc/grpc-js';

/** A message's codec, as ts-proto writes it. */
interface Codec {
  encode(message: never): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}

/** A service, as ts-proto writes it. */
interface ServiceData {
  readonly fullName: string;
  readonly methods: {
    readonly [method: string]: {
      readonly name: string;
      readonly requestType: Codec;
      readonly requestStream: boolean;
      readonly responseType: Codec;
      readonly responseStream: boolean;
    };
  };
}

type MessageOf<C> = C extends { decode(bytes: Uint8Array): infer T } ? T : never;

/** A service, as grpc-js takes it. */
export type GrpcService<D extends ServiceData> = {
  readonly [M in keyof D['methods']]: MethodDefinition<
    MessageOf<D['methods'][M]['requestType']>,
    MessageOf<D['methods'][M]['responseType']>
  >;
};

/** Does not load grpc-js. */
export function grpcService<D extends ServiceData>(data: D): GrpcService<D> {
  const methods = Object.entries(data.methods).map(([key, method]) => [
    key,
    {
      path: `/${data.fullName}/${method.name}`,
      requestStream: method.requestStream,
      responseStream: method.responseStream,
      ...codec('request', method.requestType),
      ...codec('response', method.responseType),
    },
  ]);
  return Object.fromEntries(methods) as GrpcService<D>;
}

function codec(direction: 'request' | 'response', type: Codec): object {
  return {
    [`${direction}Serialize`]: (message: never): Buffer => {
      const bytes = type.encode(message).finish();
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    [`${direction}Deserialize`]: (bytes: Uint8Array) => type.decode(bytes),
  };
}
