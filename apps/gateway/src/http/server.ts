import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';
import { type Duplex } from 'node:stream';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type FastifyInstance } from 'fastify';
import { type GatewayConfig } from '../config';

/** Longer than Go's idle pool (90 s), so that the client closes first. */
const keepAliveMs = 120_000;
const headersMs = 30_000;
const maximumHeaderBytes = 1 << 20;

export type RequestListener = (request: IncomingMessage, response: ServerResponse, url: string) => Promise<void>;
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * Fastify with a single route: names of objects go to 253 characters and may hold anything, so paths are ours to parse.
 * Bodies are read by the handlers that want one.
 */
export function createAdapter(config: GatewayConfig, onRequest: RequestListener): FastifyAdapter {
  const { certificatePem, keyPem, clientCaPem } = config.tls;
  const adapter = new FastifyAdapter({
    https: {
      cert: certificatePem,
      key: keyPem,
      ca: clientCaPem,
      requestCert: true,
      // A request without a certificate may have a token.
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      maxHeaderSize: maximumHeaderBytes,
      // Watches and uploads may be slow; what counts is that headers arrive.
      requestTimeout: 0,
      headersTimeout: headersMs,
      // Upstream's server gives the handshake as long as the headers.
      handshakeTimeout: headersMs,
      connectionsCheckingInterval: 5_000,
      keepAliveTimeout: keepAliveMs,
      joinDuplicateHeaders: true,
    },
    keepAliveTimeout: keepAliveMs,
    rewriteUrl: () => '/',
    exposeHeadRoutes: false,
    forceCloseConnections: false,
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  } as never);
  const fastify: FastifyInstance = adapter.getInstance<FastifyInstance>();
  // Before Fastify looks at the content type: which ones there are is for the resource to say.
  fastify.addHook('onRequest', (request, reply) => {
    reply.hijack();
    void onRequest(request.raw, reply.raw, request.originalUrl);
  });
  for (const method of ['LINK', 'UNLINK', 'PROPFIND', 'TRACE']) {
    if (!fastify.supportedMethods.includes(method)) fastify.addHttpMethod(method, { hasBody: false });
  }
  fastify.route({ method: fastify.supportedMethods, url: '/', handler: () => undefined });
  return adapter;
}

/** The route has no JSON schemas; Fastify would load and set up two compilers for them, for nothing. */
function noSchemas(): never {
  throw new Error('this server has no routes with schemas');
}

/** The listening socket and its connections. */
export class Listener {
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly server: Server,
    private readonly onUpgrade: UpgradeListener,
  ) {
    server.on('secureConnection', (socket: Socket) => this.track(socket));
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.onUpgrade(request, socket, head),
    );
    // A client that does not speak TLS, or hangs up in the middle, is not our problem.
    server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
    server.on('clientError', (_error: Error, socket: Socket) => socket.destroy());
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Stops accepting, lets requests in flight finish for `graceMs`, then cuts. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeIdleConnections();
    const timer = setTimeout(() => {
      for (const socket of this.sockets) socket.destroy();
      this.server.closeAllConnections();
    }, graceMs);
    await closed;
    clearTimeout(timer);
  }

  private track(socket: Socket): void {
    socket.setKeepAlive(true, 30_000);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
  }
}
