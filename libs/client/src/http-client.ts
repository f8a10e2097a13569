import { type Pool } from 'undici';
import { type Clock } from '#machinery';
import { type Fence, fenceHeader, formatFence } from './fence';
import { type ClosableObjectClient, createTransportClient } from './transport-client';
import { type Body, type Transport, TransportError } from './transport';

export interface HttpClientOptions {
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  /** PEM. Absent: the system's authorities. */
  readonly ca?: string | Buffer;
  /** PEM of a client certificate and its key … */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** … or a bearer token, read before each request. */
  readonly token?: string | (() => string);
  /** For each attempt. Default 10 s. */
  readonly deadlineMs?: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly userAgent: string;
  /** The term in which a leader writes. */
  readonly fence?: () => Fence | undefined;
  /** Default 8. */
  readonly connections?: number;
}

/** Failures after which the server cannot have seen the request. */
const unsent: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** A client of the API over HTTPS. */
export function createHttpClient(options: HttpClientOptions): ClosableObjectClient {
  const { ca, cert, key, token, userAgent, deadlineMs = 10_000 } = options;
  let pool: Promise<Pool> | undefined;
  // Loaded when it is wanted: components in one process never call over HTTPS.
  const openPool = async (): Promise<Pool> => {
    const undici = await import('undici');
    return new undici.Pool(options.server, { connections: options.connections ?? 8, connect: { ca, cert, key } });
  };

  const transport: Transport = {
    async call({ method, path, contentType, body, fence }) {
      const bearer = typeof token === 'function' ? token() : token;
      try {
        const answer = await (
          await (pool ??= openPool())
        ).request({
          method,
          path,
          headers: {
            accept: 'application/json',
            'user-agent': userAgent,
            ...(fence === undefined ? {} : { [fenceHeader]: formatFence(fence) }),
            ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
            ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
          },
          body: body === undefined ? undefined : JSON.stringify(body),
          signal: AbortSignal.timeout(deadlineMs),
        });
        const text = await answer.body.text();
        return { status: answer.statusCode, body: withRetryAfter(parse(text), answer.headers['retry-after']) };
      } catch (error) {
        const { code = '', message = String(error), name } = error as Partial<NodeJS.ErrnoException>;
        const text = name === 'TimeoutError' ? `no answer within ${deadlineMs} ms` : message;
        throw new TransportError(`${method} ${options.server}${path}: ${text}`, unsent.has(code));
      }
    },
    close: async () => (await pool)?.destroy(),
  };
  return createTransportClient(transport, options);
}

/** What is not JSON stays text. */
function parse(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return text;
  }
}

/** A `Status` without its own time to wait takes the header's. */
function withRetryAfter(body: Body, header: string | string[] | undefined): Body {
  const seconds = Number(header);
  if (header === undefined || !Number.isFinite(seconds)) return body;
  if (typeof body !== 'object' || body === null || !('kind' in body) || body.kind !== 'Status') return body;
  const details = (body as { details?: object }).details;
  return { ...body, details: { retryAfterSeconds: seconds, ...details } };
}
