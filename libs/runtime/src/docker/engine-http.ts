import http, { type IncomingMessage } from 'node:http';
import { type Socket } from 'node:net';
import { type Readable } from 'node:stream';
import { json, text } from 'node:stream/consumers';

export type Query = Readonly<Record<string, string | number | boolean | object | undefined>>;

export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Pieces of the path; a slash in a piece stays one. */
  readonly path: readonly string[];
  /** Objects are sent as JSON; what is undefined is left out. */
  readonly query?: Query;
  readonly body?: object;
  /** Sent as a tar archive instead of a body. */
  readonly archive?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The engine's answer to what it could not do; `message` is its own. */
export class EngineError extends Error {
  override readonly name = 'EngineError';

  constructor(
    readonly statusCode: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * HTTP to an engine's socket. Hand-made because the usual client loads gRPC and SSH with it (23 MB, a third of a second) and waits for ever when the
 * engine goes away in the middle of an answer. Rejects with `EngineError`, or with the system's error of the connection.
 */
export class EngineHttp {
  private readonly agent = new http.Agent({ keepAlive: true, maxFreeSockets: 16 });

  constructor(private readonly socketPath: string) {}

  /** The answer's JSON; undefined when there is none. */
  async json<T>(request: EngineRequest): Promise<T> {
    const response = await this.open(request);
    const isJson = response.headers['content-type']?.startsWith('application/json') === true;
    if (isJson) return (await json(response)) as T;
    await text(response);
    return undefined as T;
  }

  /** The answer, to be read as it comes; whoever does not read to its end destroys it. */
  open(request: EngineRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = this.send(request, {});
      sent.once('error', reject);
      sent.once('response', (response) => answerOf(response).then(resolve, reject));
    });
  }

  /** A connection that stops being HTTP: raw bytes both ways. */
  upgrade(request: EngineRequest): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const sent = this.send(request, { Connection: 'Upgrade', Upgrade: 'tcp' });
      sent.once('error', reject);
      sent.once('upgrade', (_response, socket: Socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      sent.once('response', (response) => {
        answerOf(response)
          .then((answer) => answer.destroy())
          .then(() => reject(new Error('the engine did not upgrade the connection')), reject);
      });
    });
  }

  close(): void {
    this.agent.destroy();
  }

  private send({ method, path, query, body, archive, headers, signal }: EngineRequest, extra: object) {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const request = http.request({
      socketPath: this.socketPath,
      agent: this.agent,
      method,
      path: pathOf(path, query),
      headers: {
        Host: 'docker',
        ...(payload === undefined
          ? {}
          : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) }),
        ...(archive === undefined ? {} : { 'Content-Type': 'application/x-tar' }),
        ...headers,
        ...extra,
      },
      ...(signal === undefined ? {} : { signal }),
    });
    if (archive === undefined) request.end(payload);
    else {
      archive.on('error', (error) => request.destroy(error));
      archive.pipe(request);
    }
    return request;
  }
}

function pathOf(path: readonly string[], query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(key, typeof value === 'object' ? JSON.stringify(value) : String(value));
  }
  const search = parameters.toString();
  return `/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
}

async function answerOf(response: IncomingMessage): Promise<IncomingMessage> {
  const { statusCode = 0 } = response;
  if (statusCode >= 200 && statusCode < 300) return response;
  const body = await text(response);
  throw new EngineError(statusCode, messageIn(body) ?? `the engine answered with status ${statusCode}`);
}

function messageIn(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { message?: string }).message;
  } catch (error) {
    if (error instanceof SyntaxError) return body.trim() === '' ? undefined : body.trim();
    throw error;
  }
}
