import { type DeepReadonly, type JsonValue } from '#machinery';
import { type RawCall } from './object-client';

export type Body = DeepReadonly<JsonValue>;

export interface Reply {
  /** HTTP status code. */
  readonly status: number;
  readonly body: Body;
}

/** Carries one call to the API and its answer back, whatever the answer says. */
export interface Transport {
  /** Rejects with `TransportError` when there is no answer. */
  call(call: RawCall): Promise<Reply>;
  close(): Promise<void>;
}

/** There was no answer. */
export class TransportError extends Error {
  override readonly name = 'TransportError';

  constructor(
    message: string,
    /** The request certainly did not reach the API: repeating it cannot do anything twice. */
    readonly isUnsent: boolean,
  ) {
    super(message);
  }
}
