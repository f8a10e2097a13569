import { type Client, type Metadata, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import { type Clock } from '#machinery';
import { storeErrors } from '../src/errors';

export interface UnaryCall {
  readonly body: Buffer;
  readonly metadata: Metadata;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Rejects with `unavailable`, and what the peer says. */
export function callUnary(
  client: Client,
  { path, requestSerialize, responseDeserialize }: MethodDefinition<Buffer, Buffer>,
  { body, metadata, timeoutMs, clock }: UnaryCall,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settle = (error: ServiceError | null, answer?: Buffer): void => {
      timer.cancel();
      if (answer !== undefined) resolve(answer);
      else reject(storeErrors.peer(error?.details ?? 'no answer'));
    };
    const call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, body, metadata, settle);
    const timer = clock.setTimer(timeoutMs, () => call.cancel());
  });
}
