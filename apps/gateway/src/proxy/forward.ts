import http, { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { pipeline, type Duplex, type Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { type WireRequest } from '../request/api-request';
import { type StreamResult } from '../request/api-result';
import { type Backend, unreachable } from './backend';
import { linkRewriter, type Place, rewriteUrl } from './rewrite';

/** Of one connection only (RFC 9110, section 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Who asks, and as whom, is between client and gateway. */
const confidential = /^(?:authorization|impersonate-.*)$/;

/** Pages whose links can be read: in UTF-8, which is the rule where nothing is said. */
const page = /^text\/html\s*(?:;\s*charset="?(?:utf-?8|us-ascii)"?\s*)?$/i;

/** A request on its way to a backend. */
export interface Passage {
  readonly method: string;
  /** The path on the backend, encoded. */
  readonly path: string;
  readonly place: Place;
  readonly wire: WireRequest;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** Passes a request on, and what comes back. @throws ServiceUnavailable while nothing has come back */
export async function forward(passage: Passage, backend: Backend): Promise<StreamResult> {
  const outgoing = await open(passage, backend, { connection: 'close' });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', (error) => reject(unreachable(error.message)));
  });
  // What breaks on the way to the backend shows in its answer, or in the lack of one.
  pipeline(passage.wire.body, outgoing, () => undefined);
  return returned(await answer, passage);
}

/**
 * Passes on a request to change the protocol. From the backend's answer on, which the client gets as it is, the two are left alone with
 * each other. Resolves when they have done. @throws ServiceUnavailable while nothing has come back
 */
export async function forwardUpgrade(passage: Passage, backend: Backend, client: Duplex, head: Buffer): Promise<void> {
  const { upgrade } = passage.wire.headers;
  const outgoing = await open(passage, backend, { connection: 'Upgrade', upgrade });
  await new Promise<void>((resolve, reject) => {
    outgoing.on('error', (error) => reject(unreachable(error.message)));
    outgoing.once('upgrade', (response, socket, first) => {
      client.write(headOf(response));
      if (first.length > 0) client.write(first);
      if (head.length > 0) socket.write(head);
      const end = (): void => {
        client.destroy();
        socket.destroy();
        resolve();
      };
      client.once('close', end).pipe(socket);
      socket.on('error', end).once('close', end).pipe(client);
    });
    outgoing.once('response', (response) => {
      client.write(headOf(response));
      pipeline(response, client, () => resolve());
    });
    outgoing.end();
  });
}

async function open(passage: Passage, backend: Backend, own: OutgoingHttpHeaders): Promise<ClientRequest> {
  const { method, path, wire, signal } = passage;
  const socket = await backend.connect(signal);
  // A connection for one request: nobody but its request closes it.
  return http.request({
    createConnection: () => socket,
    method,
    path: `${path}${wire.query === '' ? '' : `?${wire.query}`}`,
    headers: { host: backend.authority, ...forwardedHeaders(passage), ...own },
    signal,
  });
}

function forwardedHeaders({ path, place, wire: { headers, remoteAddress } }: Passage): OutgoingHttpHeaders {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  const kept = Object.entries(headers).filter(
    ([name, value]) => value !== undefined && !hopByHop.has(name) && !named.has(name) && !confidential.test(name),
  );
  const chain = [headers['x-forwarded-for'], remoteAddress].flat().filter((address) => address !== undefined);
  return {
    ...Object.fromEntries(kept),
    'x-forwarded-uri': `${place.prefix}${path}`,
    ...(chain.length === 0 ? {} : { 'x-forwarded-for': chain.join(', ') }),
  };
}

async function returned(response: IncomingMessage, { method, place }: Passage): Promise<StreamResult> {
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(response.headers))
    if (value !== undefined && !hopByHop.has(name)) headers[name] = value;
  const status = response.statusCode ?? 502;
  const { location, 'content-type': type = '', 'content-encoding': encoding = '' } = response.headers;
  if (location !== undefined) headers.location = rewriteUrl(location, place);
  const isPage = location === undefined && page.test(type) && ['', 'gzip'].includes(encoding);
  if (!isPage || method === 'HEAD') return { type: 'stream', status, headers, body: response };
  delete headers['content-length'];
  return { type: 'stream', status, headers, body: await rewritten(response, encoding === 'gzip', place) };
}

async function rewritten(response: IncomingMessage, isCompressed: boolean, place: Place): Promise<Readable> {
  const rewriter = await linkRewriter(place);
  // Whoever reads the last of them learns what goes wrong in one of the others.
  const told = (): void => undefined;
  // The rewriter takes text, which must not be cut within a character.
  if (!isCompressed) return pipeline(response.setEncoding('utf8'), rewriter, told);
  return pipeline(response, createGunzip().setEncoding('utf8'), rewriter, createGzip(), told);
}

/** An answer's first lines as they were. */
function headOf({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let index = 0; index < rawHeaders.length; index += 2)
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
