import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { type Duplex } from 'node:stream';
import { badRequest } from '#machinery';

/** SPDY frames in WebSocket messages (KEP-4006): what port-forwarding clients and agents speak. */
export const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';
/** What agents speak. */
export const agentProtocol = 'v5.channel.k8s.io';

/** Commands over a WebSocket: the first has half-closes (KEP-4006), "" is who names none. */
const webSocketCommands = [
  agentProtocol,
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
  '',
] as const;
const spdyCommands = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'] as const;
const webSocketPortForwards = [tunnelProtocol, 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io', ''] as const;
const spdyPortForwards = ['portforward.k8s.io'] as const;

/** A request to change the protocol, and the connection that it came by. */
export interface Upgrade {
  readonly incoming: IncomingMessage;
  readonly client: Duplex;
  /** What the client sent after its request. */
  readonly head: Buffer;
}

/** What the client and this server will speak. */
export interface Negotiated {
  readonly transport: 'websocket' | 'spdy';
  readonly protocol: string;
}

export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/** @throws BadRequest if the client offers nothing that is spoken here */
export function negotiate(incoming: IncomingMessage, subresource: string): Negotiated {
  const isPortForward = subresource === 'portforward';
  if (isWebSocket(incoming)) {
    const known: readonly string[] = isPortForward ? webSocketPortForwards : webSocketCommands;
    return { transport: 'websocket', protocol: choose(offeredProtocols(incoming), known) };
  }
  if (incoming.headers.upgrade?.toLowerCase() !== 'spdy/3.1') throw badRequest('Upgrade request required');
  const offered = listed(String(incoming.headers['x-stream-protocol-version'] ?? ''));
  return { transport: 'spdy', protocol: choose(offered, isPortForward ? spdyPortForwards : spdyCommands) };
}

/** Clients name what they prefer first; but agents' own protocol needs no translation. */
function choose(offered: readonly string[], known: readonly string[]): string {
  const chosen = offered.includes(agentProtocol) && known.includes(agentProtocol) ? agentProtocol : undefined;
  const protocol = chosen ?? offered.find((name) => known.includes(name));
  if (protocol !== undefined) return protocol;
  throw badRequest(
    `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${known.join(' ')}]`,
  );
}

/** By a client that would speak WebSocket; "" if it names none. */
export function offeredProtocols({ headers }: IncomingMessage): readonly string[] {
  return listed(headers['sec-websocket-protocol'] ?? '');
}

function listed(header: string): string[] {
  return header.split(',').map((name) => name.trim());
}

/** The answer that ends HTTP on a connection. */
export function switchingProtocols(headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', ...lines, '\r\n'].join('\r\n');
}

/** An answer instead of it. */
export function refusal(code: number, body: object): string {
  const text = `${JSON.stringify(body)}\n`;
  return [
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
    `\r\n${text}`,
  ].join('\r\n');
}
