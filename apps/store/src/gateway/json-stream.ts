import { once } from 'node:events';
import { type ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';

/** Writes one document to a streaming answer. Resolves when the client has room for more. */
export async function writeLine(response: ServerResponse, document: object, signal: AbortSignal): Promise<void> {
  beginLines(response);
  if (!response.write(`${JSON.stringify(document)}\n`)) await once(response, 'drain', { signal });
}

function beginLines(response: ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(200, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' });
  response.flushHeaders();
}

/** An HTTP exchange as the stream that a method takes: requests in, answers out. */
export class JsonStream extends Duplex {
  private readonly documents: AsyncIterator<unknown>;

  /** @param toDocument of each message that is written */
  constructor(
    requests: AsyncIterable<unknown>,
    private readonly response: ServerResponse,
    private readonly toDocument: (message: unknown) => object,
  ) {
    super({ objectMode: true, autoDestroy: false });
    this.documents = requests[Symbol.asyncIterator]();
    response.once('close', () => this.destroy());
  }

  /** The method has ended: nothing is read any more. */
  finish(): void {
    this.destroy();
  }

  override _read(): void {
    this.documents.next().then(
      ({ done, value }) => this.push(done === true ? null : value),
      (error: Error) => this.destroy(error),
    );
  }

  override _write(message: unknown, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    beginLines(this.response);
    this.response.write(`${JSON.stringify(this.toDocument(message))}\n`, (error) => done(error));
  }
}
