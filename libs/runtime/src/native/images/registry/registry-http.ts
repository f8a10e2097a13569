import { type IncomingHttpHeaders } from 'node:http';
import { type Agent, type Dispatcher } from 'undici';
import { type Clock } from '#machinery';
import { type Endpoint } from './endpoints';
import { ContentError, RegistryError } from './registry-error';
import { retryAfterMs } from './retry';

const mostRedirects = 10;
/** Without an answer, or a byte of it, for so long a connection is given up, and the request repeated. */
const silenceMs = 30_000;
const mostErrorBytes = 64 * 1024;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** To be read to its end, or destroyed. */
  readonly body: Dispatcher.ResponseData['body'];
  /** Where it came from in the end, fit for a message. */
  readonly url: string;
}

export interface GetOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** GET with redirects. Rejects with `RegistryError` when there is no answer, and resolves with any answer that is no redirect. */
export class RegistryHttp {
  private readonly agents = new Map<string, Agent>();

  constructor(private readonly clock: Clock) {}

  async get(endpoint: Endpoint, url: string, { headers, signal }: GetOptions): Promise<Answer> {
    let target = new URL(url);
    const home = new URL(endpoint.base);
    for (let redirects = 0; redirects <= mostRedirects; redirects++) {
      // Whom a registry sends to does not learn what the registry is told.
      const { authorization, ...others } = headers;
      const isHome = target.origin === home.origin;
      const sent = isHome && authorization !== undefined ? { ...others, authorization } : others;
      const answer = await this.send(isHome ? endpoint : undefined, target, sent, signal);
      const { location } = answer.headers;
      if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
      discard(answer);
      target = next(target, location, endpoint);
    }
    throw new ContentError(`GET "${shown(new URL(url))}": stopped after ${mostRedirects} redirects`);
  }

  /** What an answer that is no success means, in containerd's words. */
  async errorOf(answer: Answer): Promise<RegistryError> {
    const { status, headers, url } = answer;
    const { code, message } = firstError(await readSome(answer));
    const said = message === undefined ? '' : `: ${[code?.toLowerCase(), message].filter(Boolean).join(': ')}`;
    const text = `unexpected status from GET request to ${url}: ${status}${said}`;
    const after = headers['retry-after'];
    return new RegistryError(text, status, code, retryAfterMs(after, this.clock.now()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.agents.values()].map((agent) => agent.destroy()));
    this.agents.clear();
  }

  private async send(
    endpoint: Endpoint | undefined,
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const dispatcher = await this.agentFor(endpoint);
    try {
      const response = await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: 'GET',
        // A blob's digest is that of its bytes as they are.
        headers: { 'user-agent': 'nestor', 'accept-encoding': 'identity', ...headers },
        signal,
      });
      // Whoever reads it hears of it; until then it must not end the process.
      response.body.on('error', () => undefined);
      return { status: response.statusCode, headers: response.headers, body: response.body, url: shown(url) };
    } catch (error) {
      signal.throwIfAborted();
      throw new RegistryError(`failed to do request: Get "${shown(url)}": ${messageOf(error)}`);
    }
  }

  /** Only the registry itself is trusted as its configuration says; others as anybody. */
  private async agentFor(endpoint: Endpoint | undefined): Promise<Agent> {
    const { skipTlsVerify = false, ca } = endpoint ?? {};
    const key = `${skipTlsVerify}\0${ca ?? ''}`;
    const existing = this.agents.get(key);
    if (existing !== undefined) return existing;
    // Not loaded by those who only run what is there.
    const { Agent: UndiciAgent } = await import('undici');
    const agent = new UndiciAgent({
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
      connections: 8,
      connect: { timeout: silenceMs, rejectUnauthorized: !skipTlsVerify, ...(ca === undefined ? {} : { ca }) },
    });
    this.agents.set(key, agent);
    return agent;
  }
}

/** Reads a body of at most so many bytes. */
export async function readAtMost({ body, url }: Answer, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > most) throw new ContentError(`the answer of ${url} is larger than ${most} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ContentError) throw error;
    throw new RegistryError(`failed to read the answer of ${url}: ${messageOf(error)}`);
  }
  return Buffer.concat(chunks);
}

/** Ends the connection rather than read what nobody wants. */
export function discard({ body }: Answer): void {
  body.destroy();
}

export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Several addresses were tried: each with its own error, and none in the message.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error.message;
}

function next(from: URL, location: string, endpoint: Endpoint): URL {
  let target: URL;
  try {
    target = new URL(location, from);
  } catch {
    throw new ContentError(`${shown(from)} redirects to what is no URL`);
  }
  const isAllowed = target.protocol === 'https:' || (target.protocol === 'http:' && endpoint.allowsPlain);
  if (!isAllowed) throw new ContentError(`${shown(from)} redirects to ${shown(target)}, which is not secure`);
  return target;
}

/** Without its query, which has the keys of object stores. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

async function readSome(answer: Answer): Promise<string> {
  try {
    return (await readAtMost(answer, mostErrorBytes)).toString('utf8');
  } catch {
    // An error page without end, or cut off: its status is enough.
    return '';
  }
}

/** Distribution specification, "Error Codes". */
function firstError(text: string): { code?: string; message?: string } {
  try {
    const { errors } = JSON.parse(text) as { errors?: readonly { code?: unknown; message?: unknown }[] };
    const first = Array.isArray(errors) ? (errors as { code?: unknown; message?: unknown }[])[0] : undefined;
    return {
      ...(typeof first?.code === 'string' ? { code: first.code } : {}),
      ...(typeof first?.message === 'string' ? { message: first.message.slice(0, 500) } : {}),
    };
  } catch {
    // A proxy's page, not a registry's.
    return {};
  }
}
