import { type Duplex } from 'node:stream';
import { type SpdyConnection } from 'spdy-transport';

/** Speaks SPDY/3.1 with a client of Kubernetes. Nothing is read before `start`, so listeners may be added until then. */
export async function spdyServer(socket: Duplex): Promise<SpdyConnection> {
  // Old clients and port-forwards need it, nothing else does.
  const { default: spdy } = await import('spdy-transport');
  const connection = spdy.connection.create(socket, { protocol: 'spdy', isServer: true });
  acceptKubernetesClients(connection);
  return connection;
}

/**
 * Such a client (moby/spdystream) opens streams without `:method` and `:path`, which SPDY asks of HTTP requests: the library would end the
 * connection. And it never widens a window: the library would stop after 64 KiB. It has no options for that, so what its parser reads is completed,
 * and windows have no end; the connection's own back-pressure remains.
 */
function acceptKubernetesClients({ _spdyState: { parser, streamWindow, window } }: SpdyConnection): void {
  for (const { send } of [streamWindow, window])
    Object.assign(send, { current: Infinity, max: Infinity, limit: Infinity });
  const parse = parser.parseKVs.bind(parser);
  parser.parseKVs = (body, done) =>
    parse(body, (error, headers) => done(error, { ':method': 'POST', ':path': '/', ...headers }));
}
