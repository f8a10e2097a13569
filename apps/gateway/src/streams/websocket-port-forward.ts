import { type Duplex } from 'node:stream';
import { type WebSocket } from 'ws';
import { badRequest, goQuote } from '#machinery';
import { Throttle } from './throttle';
import { WebSocketChannels } from './websocket-channels';

/** Ports at once: each takes two channels, whose numbers are bytes. */
const maximumPorts = 100;

/** The ports that a client names, read as upstream's node agent reads them. @throws BadRequest */
export function portsOf(query: URLSearchParams): number[] {
  const named = query.getAll('ports');
  if (named.length === 0) throw badRequest('query parameter "port" is required');
  const ports = named.flatMap((text) => text.split(',')).map(portOf);
  if (ports.length > maximumPorts) throw badRequest(`at most ${maximumPorts} ports can be forwarded at once`);
  return ports;
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw badRequest(`unable to parse ${goQuote(text)} as a port`);
  if (port < 1) throw badRequest(`port ${goQuote(text)} must be > 0`);
  return port;
}

/**
 * `v4.channel.k8s.io` for forwarded ports: one connection a port, with a channel for its bytes and one for what went wrong. The first message on
 * each is the port's number, two bytes, little-endian. All ends when no connection is left.
 */
export function serveWebSocketPortForward(
  client: WebSocket,
  ports: readonly number[],
  protocol: string,
  open: (port: number) => Promise<Duplex>,
): void {
  const channels = new WebSocketChannels(client, protocol);
  const input = new Throttle(client);
  const forwards = ports.map((port, position) => forward(channels, port, 2 * position, open));
  channels.onMessage((number, data) => {
    const target = number % 2 === 0 ? forwards[number / 2]?.target : undefined;
    if (target === undefined) return;
    const left = input.passing(data.length);
    void target.then((socket) => (socket === undefined ? left() : socket.write(data, () => left())));
  });
  client.once('close', () => {
    for (const { target } of forwards) void target.then((socket) => socket?.destroy());
  });
  void Promise.all(forwards.map(({ over }) => over)).then(() => client.close(1000));
}

interface Forward {
  /** Undefined if the port could not be reached. Never rejects. */
  readonly target: Promise<Duplex | undefined>;
  /** Resolves when there is no connection any more. */
  readonly over: Promise<void>;
}

function forward(
  channels: WebSocketChannels,
  port: number,
  number: number,
  open: (port: number) => Promise<Duplex>,
): Forward {
  const announcement = Buffer.alloc(2);
  announcement.writeUInt16LE(port);
  channels.send(number, announcement);
  channels.send(number + 1, announcement);
  const say = (cause: unknown): void => {
    const text = cause instanceof Error ? cause.message : String(cause);
    channels.send(number + 1, Buffer.from(`error forwarding port ${port}: ${text}`));
  };
  const target = open(port).catch((cause: unknown) => {
    say(cause);
    return undefined;
  });
  const over = target.then((socket) => {
    if (socket === undefined) return undefined;
    const output = new Throttle(socket);
    socket.on('data', (chunk: Buffer) => channels.send(number, chunk, output.passing(chunk.length)));
    socket.on('error', say);
    return new Promise<void>((resolve) => socket.once('close', resolve).once('end', () => socket.end()));
  });
  return { target, over };
}
