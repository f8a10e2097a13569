import { type IncomingMessage } from 'node:http';
import { badRequest, type Clock, requestEntityTooLarge, requestTimeout } from '#machinery';
import { type RequestBody } from '../request/api-request';

/** Upstream's `MaxRequestBodyBytes`. */
export const maximumBodyBytes = 3 * 1024 * 1024;

/** As long as upstream gives a whole request (`--request-timeout`): who stalls for good does not keep a connection. */
export const maximumBodyMs = 60_000;

/** The body of an HTTP request, read when somebody asks for it, at most once. */
export function httpBody(request: IncomingMessage, clock: Clock): RequestBody {
  let pending: Promise<Buffer | undefined> | undefined;
  return { bytes: () => (pending ??= read(request, clock)) };
}

/** Rejects with `RequestEntityTooLarge`, `Timeout` or `BadRequest`. */
async function read(request: IncomingMessage, clock: Clock): Promise<Buffer | undefined> {
  let onTimeout: (error: Error) => void = () => undefined;
  const late = new Promise<never>((_resolve, reject) => (onTimeout = reject));
  const timer = clock.setTimer(maximumBodyMs, () => {
    onTimeout(requestTimeout('request did not complete within the allotted timeout'));
  });
  try {
    return await Promise.race([readAll(request), late]);
  } finally {
    timer.cancel();
  }
}

function readAll(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > maximumBodyBytes) return reject(tooLarge());
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maximumBodyBytes) {
        reject(tooLarge());
        request.removeAllListeners('data');
        request.resume();
        return;
      }
      chunks.push(chunk);
    });
    request.on('end', () => resolve(size === 0 ? undefined : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on('error', () => reject(badRequest('the request body could not be read')));
    request.on('close', () => reject(badRequest('the client closed the connection')));
  });
}

function tooLarge(): Error {
  return requestEntityTooLarge(`limit is ${maximumBodyBytes}`);
}
