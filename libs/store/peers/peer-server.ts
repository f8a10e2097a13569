import http from 'node:http';
import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import { type Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type PeerTransportOptions } from '../src/create-peer-transport';
import { type PeerHandler } from '../src/replication/peer-transport';
import { MAX_FRAME_BYTES } from './frames';
import { decodeMessage } from './message-codec';
import { type PeerMetrics } from './peer-metrics';
import { type Envelope, MESSAGE_HEADER, MESSAGES_PROTOCOL, PATHS, readEnvelope } from './protocol';
import { failureOf, Refusal } from './refusal';
import { readBody, untilSilent } from './request-body';
import { serveMessages } from './serve-messages';

type Self = { readonly clusterId: bigint; readonly memberId: bigint };
type Request = http.IncomingMessage;

/** For a handshake, and for the headers of a request. */
const HELLO_TIMEOUT_MS = 10_000;
/** Asked of a silent connection after so long, and then once a second, ten times. */
const TCP_KEEP_ALIVE_MS = 10_000;

/** What peers call. */
export class PeerServer {
  private readonly server: http.Server;
  /** Those that are no HTTP any more. */
  private readonly upgraded = new Set<Duplex>();

  /** @throws Error if peers could not be told from strangers */
  constructor(
    private readonly options: PeerTransportOptions,
    private readonly self: Self,
    private readonly handler: PeerHandler,
    private readonly metricsOf: (peer: bigint) => PeerMetrics,
  ) {
    this.server = createServer(options);
    // Snapshots take as long as they take, and a connection rests until its client has no use for it.
    this.server.requestTimeout = 0;
    this.server.keepAliveTimeout = 0;
    this.server.on('request', (request, response) => void this.respond(request, response));
    this.server.on('upgrade', (request: Request, socket: Duplex, head: Buffer) => this.upgrade(request, socket, head));
  }

  /** Rejects if the port is taken. */
  async listen(): Promise<void> {
    const { listen, logger } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(listen.port, listen.host, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    const host = isIP(listen.host) === 6 ? `[${listen.host}]` : listen.host;
    logger.info({ address: `${host}:${listen.port}` }, 'listening for peers');
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    this.server.closeAllConnections();
    for (const socket of this.upgraded) socket.destroy();
    await closed;
  }

  private async respond(request: Request, response: http.ServerResponse): Promise<void> {
    // Who goes away in the middle is heard of where something is read or waited for.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    try {
      const body = await this.answer(request);
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length });
      response.end(body);
    } catch (error) {
      const { status, text } = failureOf(error, this.options.logger);
      response.writeHead(status, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(text) });
      response.end(text);
    }
  }

  private async answer(request: Request): Promise<Buffer> {
    switch (`${request.method} ${request.url}`) {
      case `POST ${PATHS.snapshot}`:
        return this.snapshot(request);
      case `POST ${PATHS.ask}`: {
        const { from } = this.admit(request);
        return this.handler.answer(from, await readBody(request, MAX_FRAME_BYTES));
      }
      case `GET ${PATHS.describe}`:
        this.authenticate(request);
        return this.handler.describeCluster();
      default:
        throw new Refusal(404, 'a member of another version of the store');
    }
  }

  private async snapshot(request: Request): Promise<Buffer> {
    const { from, to } = this.admit(request);
    const header = request.headers[MESSAGE_HEADER];
    if (typeof header !== 'string') throw new Refusal(400, 'a snapshot without a message');
    const message = decodeMessage(Buffer.from(header, 'base64url'));
    if (message.type !== 'snapshot' || message.from !== from || message.to !== to) {
      throw new Refusal(400, 'not the message of a snapshot for this member');
    }
    await this.handler.receiveSnapshot(message, untilSilent(request, this.options.clock));
    this.metricsOf(from).snapshotReceived();
    return Buffer.alloc(0);
  }

  private upgrade(request: Request, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    try {
      if (request.url !== PATHS.messages || request.headers.upgrade !== MESSAGES_PROTOCOL) {
        throw new Refusal(404, 'a member of another version of the store');
      }
      const envelope = this.admit(request);
      this.upgraded.add(socket);
      socket.on('close', () => this.upgraded.delete(socket));
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${MESSAGES_PROTOCOL}\r\n\r\n`);
      const { handler, options } = this;
      serveMessages(socket as Socket, head, {
        envelope,
        handler,
        logger: options.logger,
        metrics: this.metricsOf(envelope.from),
      });
    } catch (error) {
      const { status, text } = failureOf(error, this.options.logger);
      const headers = `Connection: close\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(text)}`;
      socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n${headers}\r\n\r\n${text}`, () =>
        socket.destroy(),
      );
    }
  }

  /** @throws Refusal if the certificate is somebody else's */
  private authenticate({ socket }: Request): void {
    const allowed = this.options.tls?.allowedNames;
    if (allowed === undefined) return;
    const subject = socket instanceof TLSSocket ? socket.getPeerCertificate().subject : undefined;
    const names = [subject?.CN ?? []].flat();
    if (names.some((name) => allowed.includes(name))) return;
    throw new Refusal(401, `${names.join() || 'nobody'} is not a member of the store`);
  }

  /** @throws Refusal if the caller is no member, means another one, or comes from another cluster */
  private admit(request: Request): Envelope {
    this.authenticate(request);
    const envelope = readEnvelope(request.headers);
    if (envelope === undefined) throw new Refusal(400, 'the caller does not say who it is');
    // As etcd's status for the same.
    if (envelope.clusterId !== this.self.clusterId) throw new Refusal(412, 'cluster ID mismatch');
    if (envelope.to !== this.self.memberId) throw new Refusal(412, 'member ID mismatch');
    // A copy of this member's directory runs as well.
    if (envelope.from === this.self.memberId) throw new Refusal(412, 'the caller has the ID of the member it calls');
    return envelope;
  }
}

function createServer({ listen: { host }, tls }: PeerTransportOptions): http.Server {
  const options = {
    headersTimeout: HELLO_TIMEOUT_MS,
    requestTimeout: 0,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
  };
  if (tls === undefined) {
    if (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))) {
      return http.createServer(options);
    }
    throw new Error(`peers may write whatever they like: on ${host} they are let in with certificates only`);
  }
  const { certificatePem: cert, keyPem: key, caPem: ca } = tls;
  return https.createServer({
    ...options,
    cert,
    key,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HELLO_TIMEOUT_MS,
  });
}
