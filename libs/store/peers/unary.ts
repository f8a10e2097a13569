import { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { type Clock } from '#machinery';
import { storeErrors } from '../src/errors';
import { StoreError } from '../src/key-value-store';
import { type Connector, readAnswer } from './connector';

export interface UnaryCall {
  /** Absent: nothing is sent. */
  readonly body?: Buffer;
  readonly headers: OutgoingHttpHeaders;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Rejects with `unavailable`, and what the peer says. */
export function callUnary(
  connector: Connector,
  path: string,
  { body, headers, timeoutMs, clock }: UnaryCall,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': body.length };
    const request = connector.request(body === undefined ? 'GET' : 'POST', path, { ...headers, ...length });
    const timer = clock.setTimer(timeoutMs, () => request.destroy(storeErrors.peer('it takes too long')));
    const fail = (error: Error): void => {
      timer.cancel();
      reject(error instanceof StoreError ? error : storeErrors.peer(error.message));
    };
    request.on('error', fail);
    request.on('response', (response: IncomingMessage) => {
      readAnswer(response).then((answer) => {
        timer.cancel();
        resolve(answer);
      }, fail);
    });
    request.end(body);
  });
}
