import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Duplex } from 'node:stream';
import { status } from '@grpc/grpc-js';
import { methodTypes } from '#etcd';
import { StoreError } from '#store';
import { type Registry } from '#telemetry';
import { type Admission } from '../admission';
import { type Authenticator } from '../authenticator';
import { type Call } from '../call';
import { API_VERSION } from '../maintenance-service';
import { type Member } from '../member';
import { type StoreServerMetrics } from '../metrics';
import { type Rpc } from '../rpc';
import { type ServedMethod } from '../served-method';
import { type Status } from '../status';
import { errorBody, httpStatusOf, streamErrorBody } from './http-status';
import { jsonDocuments } from './json-documents';
import { fromJson, JsonMessageError, toJson } from './json-messages';
import { JsonStream, writeLine } from './json-stream';
import { routes } from './routes';

export interface GatewayOptions {
  readonly methods: readonly ServedMethod[];
  readonly authenticator: Authenticator;
  readonly admission: Admission | undefined;
  readonly member: Member;
  readonly rpc: Rpc;
  readonly metrics: StoreServerMetrics;
  readonly registry: Registry;
  readonly stopping: AbortSignal;
  hasAlarms(): boolean;
  /** Of a message as JSON. */
  readonly maxRequestBytes: number;
}

/** A connection on which nothing happens for so long is closed, unless a stream is open on it. */
const IDLE_MS = 60_000;

/** What etcd serves over HTTP/1.1: the API as JSON, and three pages for operators. */
export class Gateway {
  private readonly methods: ReadonlyMap<string, ServedMethod>;
  private readonly server: http.Server;

  constructor(private readonly options: GatewayOptions) {
    this.methods = new Map(options.methods.map((method) => [method.definition.path, method]));
    this.server = http.createServer((request, response) => {
      // A client that goes away, in whatever manner, is none of our errors.
      response.on('error', () => undefined);
      void this.answer(request, response).catch((error: unknown) => this.refuse(request, response, error));
    });
    this.server.timeout = IDLE_MS;
    this.server.requestTimeout = 0;
  }

  /** Takes over a connection that has been accepted elsewhere. */
  accept(socket: Duplex): void {
    this.server.emit('connection', socket);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [pathname = ''] = (request.url ?? '').split('?');
    // A page in somebody's browser can send requests to this machine, but not without saying where it is from.
    if (request.headers.origin !== undefined) return send(response, 403, 'not for browsers\n');
    switch (pathname) {
      case '/health':
        return this.health(response);
      case '/version':
        return sendJson(response, 200, { etcdserver: API_VERSION, etcdcluster: API_VERSION });
      case '/metrics':
        return send(response, 200, await this.options.registry.metrics(), this.options.registry.contentType);
    }
    const method = this.methods.get(Object.hasOwn(routes, pathname) ? routes[pathname]! : '');
    if (method === undefined) return send(response, 404, '404 page not found\n');
    if (request.method !== 'POST') return send(response, 405, 'Method Not Allowed\n');
    await this.call(method, request, response);
  }

  private async health(response: ServerResponse): Promise<void> {
    const isHealthy = await this.options.member.status().then(
      () => true,
      () => false,
    );
    const healthy = isHealthy && !this.options.hasAlarms();
    this.options.metrics[healthy ? 'healthy' : 'unhealthy'].inc();
    return send(response, healthy ? 200 : 503, JSON.stringify({ health: String(healthy) }));
  }

  private async call(method: ServedMethod, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { path } = method.definition;
    const measured = this.options.metrics.call(path, method.kind);
    try {
      await this.options.authenticator.ready({ token: request.headers.authorization });
      const call = this.callOf(request, response);
      const types = methodTypes[path]!;
      if (method.kind === 'bidi_stream') {
        this.admit(path);
        response.socket?.setTimeout(0);
        const decode = (message: unknown): object =>
          (Buffer.isBuffer(message) ? method.definition.responseDeserialize(message) : message) as object;
        const stream = new JsonStream(
          map(jsonDocuments(bodyOf(request), this.maxBytes), (json) => fromJson(types.request, json)),
          response,
          (message) => ({ result: toJson(types.response, decode(message) as never) }),
        );
        try {
          await method.handle(stream, call);
        } finally {
          stream.finish();
        }
      } else {
        const json = await this.message(request);
        const message = fromJson(types.request, json);
        this.admit(path, message);
        if (method.kind === 'unary') {
          const answer = toJson(types.response, (await method.handle(message, call)) as never);
          sendJson(response, 200, answer);
        } else {
          response.socket?.setTimeout(0);
          for await (const each of method.handle(message, call)) {
            await writeLine(response, { result: toJson(types.response, each as never) }, call.signal);
          }
        }
      }
      // Whoever still sends is not listened to any more.
      response.end(() => {
        if (!request.complete) request.destroy();
      });
      measured.ended(status.OK);
    } catch (error) {
      measured.ended(this.failure(path, error).code);
      throw error;
    }
  }

  /** The first document of the body. */
  private async message(request: IncomingMessage): Promise<unknown> {
    for await (const document of jsonDocuments(bodyOf(request), this.maxBytes)) return document;
    return {};
  }

  private get maxBytes(): number {
    // Base64 takes four bytes for three.
    return Math.ceil((this.options.maxRequestBytes * 4) / 3);
  }

  /** @throws StoreError */
  private admit(path: string, message?: unknown): void {
    const refusal = this.options.admission?.refusal(path, message, false);
    if (refusal !== undefined) throw refusal;
  }

  private callOf(request: IncomingMessage, response: ServerResponse): Call {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new StoreError('unavailable', 'the client has gone away')));
    const token = request.headers.authorization;
    const { authenticator, stopping } = this.options;
    return {
      // As etcd: the name in a client certificate is that of whoever connects, not of whoever asks through JSON.
      caller: () => authenticator.recognise({ token }),
      signal: AbortSignal.any([gone.signal, stopping]),
    };
  }

  private failure(path: string, error: unknown): Status {
    if (error instanceof JsonMessageError) return { code: status.INVALID_ARGUMENT, details: error.message };
    return this.options.rpc.failure(path, error);
  }

  private refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (response.destroyed || response.writableEnded) return;
    const failure = this.failure(request.url ?? '', error);
    if (!request.complete && !response.headersSent) response.setHeader('connection', 'close');
    if (response.headersSent) response.end(`${JSON.stringify(streamErrorBody(failure))}\n`);
    else sendJson(response, httpStatusOf(failure), errorBody(failure));
  }
}

async function* map<T, U>(items: AsyncIterable<T>, change: (item: T) => U): AsyncGenerator<U, void, undefined> {
  for await (const item of items) yield change(item);
}

/** Leaves the connection as it is when nothing more is wanted of the body, so that there can be an answer. */
function bodyOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
}

function send(response: ServerResponse, code: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(code, { 'content-type': type, 'x-content-type-options': 'nosniff' });
  response.end(body);
}

function sendJson(response: ServerResponse, code: number, body: object): void {
  send(response, code, JSON.stringify(body), 'application/json');
}
