import { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { type AddressInfo } from 'node:net';
import { type Duplex } from 'node:stream';
import { type TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { type NodeAgentConfig } from '../config';
import { HttpFailure } from './http-failure';
import { serveLogs } from './logs';
import { matchRoute } from './routes';
import { serveHealth, serveMetrics, servePods, serveResourceMetrics, serveSummary } from './reports';
import { type ServerDependencies } from './server-dependencies';
import { serveAttach, serveExec, streamProtocols } from './remote-command';
import { servePodTunnel } from './pod-tunnel';
import { servePortForward, tunnelProtocol } from './port-forward';

export interface AgentServer {
  readonly port: number;
  stop(): Promise<void>;
}

type ServerConfig = NonNullable<NodeAgentConfig['server']>;

const plain = {
  health: serveHealth,
  pods: servePods,
  logs: serveLogs,
  summary: serveSummary,
  resourceMetrics: serveResourceMetrics,
  metrics: serveMetrics,
} as const;
const streamed = { exec: serveExec, attach: serveAttach, portForward: servePortForward } as const;

/** The node's HTTPS server. Only clients with a certificate of the cluster's CA get as far as a request. */
export async function startServer(config: ServerConfig, dependencies: ServerDependencies): Promise<AgentServer> {
  const { logger } = dependencies;
  const stopping = new AbortController();
  const contextOf = ({ certificatePem, keyPem }: Pick<ServerConfig, 'certificatePem' | 'keyPem'>) =>
    ({ cert: certificatePem, key: keyPem, ca: config.clientCaPem, minVersion: 'TLSv1.2' }) as const;
  const server = https.createServer({
    ...contextOf(config),
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
  });
  // Connections that are open keep what they began with.
  const endRenewal = config.onRenewed?.((pair) => server.setSecureContext(contextOf(pair)));
  server.on('request', (request, response) => {
    const handle = async (): Promise<void> => {
      assertClient(config, request);
      const { name, parameters, query } = matchRoute(request.url ?? '/');
      if (!(name in plain)) throw new HttpFailure(400, 'unable to upgrade: missing upgrade headers in request');
      await plain[name as keyof typeof plain]({ parameters, query, response, dependencies, signal: stopping.signal });
    };
    handle().catch((error: unknown) => {
      const failure = HttpFailure.from(error);
      if (failure.code >= 500) logger.warn({ err: error, url: request.url }, 'request failed');
      if (response.headersSent) response.destroy();
      else
        response.writeHead(failure.code, { 'content-type': 'text/plain; charset=utf-8' }).end(`${failure.message}\n`);
    });
  });

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 4 * 2 ** 20,
    handleProtocols: (offered) => streamProtocols.find((protocol) => offered.has(protocol)) ?? false,
  });
  const tunnels = new WeakSet<IncomingMessage>();
  sockets.on('headers', (headers, request) => {
    if (tunnels.has(request)) headers.push(`Sec-WebSocket-Protocol: ${tunnelProtocol}`);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', (error) => logger.debug({ err: error }, 'stream ended'));
    const gone = new AbortController();
    socket.once('close', () => gone.abort(new Error('the client is gone')));
    const refuse = (error: unknown): void => {
      const { code, message } = HttpFailure.from(error);
      const body = `${message}\n`;
      const lines = [
        `HTTP/1.1 ${code} Failed`,
        'Content-Type: text/plain; charset=utf-8',
        `Content-Length: ${Buffer.byteLength(body)}`,
        'Connection: close',
      ];
      socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
    };
    try {
      assertClient(config, request);
      const { name, parameters, query } = matchRoute(request.url ?? '/');
      if (name === 'podTunnel') {
        servePodTunnel({ parameters, query, dependencies }, socket, head).catch(refuse);
        return;
      }
      if (!(name in streamed)) throw new HttpFailure(404, '404 page not found');
      const start = streamed[name as keyof typeof streamed]({ parameters, query, dependencies });
      // The tunnel's name has a slash, which RFC 6455 does not allow and `ws` refuses: it is negotiated here.
      if (request.headers['sec-websocket-protocol'] === tunnelProtocol) {
        tunnels.add(request);
        delete request.headers['sec-websocket-protocol'];
      }
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('error', (error) => logger.debug({ err: error }, 'stream failed'));
        start(webSocket, gone.signal).catch((error: unknown) => {
          logger.warn({ err: error, url: request.url }, 'stream failed');
          webSocket.terminate();
        });
      });
    } catch (error) {
      refuse(error);
    }
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', (error) => logger.error({ err: error }, 'the server of the node failed'));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async stop() {
      endRenewal?.();
      stopping.abort(new Error('the server stops'));
      for (const client of sockets.clients) client.terminate();
      sockets.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function assertClient({ allowedClients }: ServerConfig, request: IncomingMessage): void {
  if (allowedClients === undefined) return;
  const name: unknown = (request.socket as TLSSocket).getPeerCertificate().subject?.CN;
  if (typeof name !== 'string' || !allowedClients.includes(name))
    throw new HttpFailure(403, `Forbidden (user=${String(name)})`);
}
