import { type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { gzip } from 'node:zlib';
import { type Fence, fenceHeader, parseFence } from '#client';
import { type Clock, badRequest } from '#machinery';
import { type Logger } from '#telemetry';
import { type ApiServer, statusOf } from '../api/api-server';
import { WarnedError } from '../api/warned-error';
import { type Authenticator } from '../authn/authenticator';
import { impersonate } from '../authn/impersonation';
import { type ApiRequest } from '../request/api-request';
import { type RequestObserver } from '../request/request-metrics';
import { httpBody } from './body-reader';
import { type Rendered, type RenderOptions, render, representation } from './render';
import { streamWatch } from './watch-response';

/** Smaller answers are not worth compressing (upstream's threshold). */
const gzipThreshold = 128 * 1024;
/** How long a client may go on sending what was refused. */
const lingerMs = 1000;

/** HTTP in, HTTP out: authenticates, calls the API, encodes. */
export class HttpAdapter {
  private readonly watches = new Set<{ end?: () => void }>();
  private isClosing = false;

  constructor(
    private readonly api: ApiServer,
    private readonly authenticator: Authenticator,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly observer: RequestObserver,
  ) {}

  /** From now on each connection ends with its next answer. */
  lastRequests(): void {
    this.isClosing = true;
  }

  /** Ends all watches, so that their connections can close. */
  endWatches(): void {
    for (const { end } of [...this.watches]) end?.();
  }

  /** Answers one request. Never rejects. */
  async handle(incoming: IncomingMessage, response: ServerResponse, originalUrl: string): Promise<void> {
    const finish = this.observer.begin();
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    if (this.isClosing) response.setHeader('connection', 'close');
    let request: ApiRequest | undefined;
    try {
      request = await this.toRequest(incoming, originalUrl, gone.signal);
      await this.answer(request, response);
    } catch (error) {
      this.fail(error, request, response, incoming);
    } finally {
      finish(request, incoming.method ?? '', response.statusCode);
    }
  }

  /** Turns the network's request into the API's: identity, path, query. @throws Unauthorized, Forbidden, BadRequest */
  async toRequest(incoming: IncomingMessage, originalUrl: string, signal: AbortSignal): Promise<ApiRequest> {
    const user = await this.authenticator.authenticate(incoming);
    const question = originalUrl.indexOf('?');
    let path: string;
    try {
      path = decodeURIComponent(question < 0 ? originalUrl : originalUrl.slice(0, question));
    } catch {
      throw badRequest('the path is not valid percent-encoding');
    }
    const request: ApiRequest = {
      method: incoming.method ?? 'GET',
      path,
      query: new URLSearchParams(question < 0 ? '' : originalUrl.slice(question + 1)),
      header: (name) => {
        const value = incoming.headers[name];
        return Array.isArray(value) ? value.join(', ') : value;
      },
      body: httpBody(incoming, this.clock),
      user,
      fence: fenceOf(incoming),
      signal,
      wire: {
        headers: incoming.headers,
        query: question < 0 ? '' : originalUrl.slice(question + 1),
        remoteAddress: incoming.socket.remoteAddress,
        body: incoming,
      },
    };
    return { ...request, user: impersonate(incoming.headers, user, this.api) };
  }

  /** In which form the client wants its answer. */
  renderOptions(request: ApiRequest): RenderOptions {
    return {
      accept: request.header('accept'),
      pretty: wantsPretty(request),
      includeObject: request.query.get('includeObject') ?? '',
      nowMs: this.clock.now(),
    };
  }

  private async answer(request: ApiRequest, response: ServerResponse): Promise<void> {
    const options = this.renderOptions(request);
    const result = await this.api.handle(request);
    setWarnings(response, result.warnings ?? []);
    if (result.type === 'stream') {
      response.writeHead(result.status, { 'cache-control': 'no-cache, private', ...result.headers });
      response.flushHeaders();
      // A client that goes away in the middle is no error, and a node that does cuts the answer short.
      await pipeline(result.body, response).catch(() => response.destroy());
      return;
    }
    if (result.type !== 'watch') return send(response, request, render(result, options));
    const form = representation(options.accept, true);
    response.writeHead(200, {
      'content-type': form.encoding === 'yaml' ? 'application/yaml' : 'application/json',
      'cache-control': 'no-cache, private',
    });
    response.flushHeaders();
    await new Promise<void>((resolve) => {
      // It may be over before it has begun: what it is asked for may be gone.
      const watch: { end?: () => void } = {};
      this.watches.add(watch);
      watch.end = streamWatch(response, result, form, options, () => {
        this.watches.delete(watch);
        resolve();
      });
    });
  }

  private fail(
    error: unknown,
    request: ApiRequest | undefined,
    response: ServerResponse,
    incoming: IncomingMessage,
  ): void {
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const { code, body } = statusOf(error);
    if (code === 500 && !(error instanceof Error && error.name === 'ApiError')) {
      this.logger.error({ err: error, path: request?.path }, 'internal error');
    }
    const retry = (body as { details?: { retryAfterSeconds?: number } }).details?.retryAfterSeconds;
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'cache-control': 'no-cache, private',
      ...(retry === undefined ? {} : { 'retry-after': String(retry) }),
    };
    if (error instanceof WarnedError) setWarnings(response, error.warnings);
    const text = incoming.method === 'HEAD' ? '' : `${JSON.stringify(body)}\n`;
    if (!incoming.complete && (code === 413 || code === 504))
      return refuseBody(incoming, response, code, headers, text);
    response.writeHead(code, headers);
    response.end(text);
  }
}

/** @throws BadRequest: a term that cannot be read must not count as none. */
function fenceOf({ headers }: IncomingMessage): Fence | undefined {
  const text = headers[fenceHeader];
  if (text === undefined) return undefined;
  const fence = parseFence(String(text));
  if (fence === undefined)
    throw badRequest(`the header ${fenceHeader} is not namespace/lease;transitions=n;holder=name`);
  return fence;
}

/**
 * Answers while the client still sends, then hangs up. Not at once: closing a socket that has unread bytes resets the
 * connection, and the client would lose the answer (RFC 9112, section 9.6).
 */
function refuseBody(
  incoming: IncomingMessage,
  response: ServerResponse,
  code: number,
  headers: Readonly<Record<string, string>>,
  text: string,
): void {
  response.writeHead(code, { ...headers, connection: 'close', 'content-length': Buffer.byteLength(text) });
  response.write(text);
  const hangUp = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(hangUp, lingerMs);
  incoming.once('close', hangUp).once('end', hangUp).resume();
}

function setWarnings(response: ServerResponse, warnings: readonly string[]): void {
  for (const warning of warnings) response.appendHeader('Warning', `299 - ${JSON.stringify(warning)}`);
}

async function send(response: ServerResponse, request: ApiRequest, rendered: Rendered): Promise<void> {
  const headers: Record<string, string | number> = { 'cache-control': 'no-cache, private', ...rendered.headers };
  let body = rendered.body.length === 1 ? toBuffer(rendered.body[0] ?? '') : Buffer.concat(rendered.body.map(toBuffer));
  if (body.length > gzipThreshold && /\bgzip\b/.test(request.header('accept-encoding') ?? '')) {
    body = await compress(body);
    headers['content-encoding'] = 'gzip';
    headers.vary = 'Accept-Encoding';
  }
  headers['content-length'] = body.length;
  response.writeHead(rendered.status, headers);
  response.end(request.method === 'HEAD' ? undefined : body);
}

function toBuffer(piece: Buffer | string): Buffer {
  return typeof piece === 'string' ? Buffer.from(piece) : piece;
}

function compress(body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gzip(body, { level: 1 }, (error, result) => (error === null ? resolve(result) : reject(error)));
  });
}

/** Asked for by query, or a browser or curl on the other side, as upstream decides it. */
function wantsPretty(request: ApiRequest): boolean {
  const pretty = request.query.get('pretty');
  if (pretty !== null) return pretty !== '0' && pretty.toLowerCase() !== 'false';
  return /^(?:curl|Wget|Mozilla\/5\.0)/.test(request.header('user-agent') ?? '');
}
