import { isIP } from 'node:net';
import {
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { type Logger } from '#telemetry';
import { type PeerTransportOptions } from '../src/create-peer-transport';
import { type PeerHandler } from '../src/replication/peer-transport';
import { decodeMessage } from './message-codec';
import { type PeerMetrics } from './peer-metrics';
import { type Envelope, peerService, readEnvelope } from './peer-service';

type Self = { readonly clusterId: bigint; readonly memberId: bigint };
type Stream = ServerReadableStream<Buffer, Buffer>;
type Call = ServerUnaryCall<Buffer, Buffer>;
type Reply = sendUnaryData<Buffer>;

const NOTHING = Buffer.alloc(0);

/** A call that is refused; its text is for the peer's log. */
class Refusal extends Error {
  constructor(
    readonly code: status,
    message: string,
  ) {
    super(message);
  }
}

/** What peers call. */
export class PeerServer {
  private readonly server = new Server({
    'grpc.max_receive_message_length': -1,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc-node.flow_control_window': 8 * 1024 * 1024,
  });

  constructor(
    private readonly options: PeerTransportOptions,
    private readonly self: Self,
    private readonly handler: PeerHandler,
    private readonly metricsOf: (peer: bigint) => PeerMetrics,
  ) {
    this.server.addService(peerService, {
      messages: (stream: Stream, reply: Reply) => this.messages(stream, reply),
      snapshot: (stream: Stream, reply: Reply) => this.reply(reply, () => this.snapshot(stream)),
      ask: (call: Call, reply: Reply) =>
        this.reply(reply, () => this.handler.answer(this.admit(call).from, call.request)),
      ping: (call: Call, reply: Reply) =>
        this.reply(reply, async () => {
          this.admit(call);
          return NOTHING;
        }),
      describe: (call: Call, reply: Reply) =>
        this.reply(reply, async () => {
          this.authenticate(call);
          return this.handler.describeCluster();
        }),
    });
  }

  /** Rejects if the port is taken, or if peers could not be told from strangers. */
  async listen(): Promise<void> {
    const { listen, logger } = this.options;
    const credentials = credentialsOf(this.options);
    const host = isIP(listen.host) === 6 ? `[${listen.host}]` : listen.host;
    await new Promise<void>((resolve, reject) => {
      this.server.bindAsync(`${host}:${listen.port}`, credentials, (error, port) => {
        if (error !== null) return reject(error);
        logger.info({ address: `${host}:${port}` }, 'listening for peers');
        resolve();
      });
    });
  }

  close(): void {
    this.server.forceShutdown();
  }

  private messages(stream: Stream, reply: Reply): void {
    let isOver = false;
    const end = (error?: unknown): void => {
      if (isOver) return;
      isOver = true;
      reply(error === undefined ? null : failure(error, this.options.logger), NOTHING);
    };
    try {
      const { from, to } = this.admit(stream);
      const metrics = this.metricsOf(from);
      // So that the peer knows that it has been let in.
      stream.sendMetadata(new Metadata());
      stream.on('data', (bytes: Buffer) => {
        if (isOver) return;
        metrics.received(bytes.length);
        try {
          const message = decodeMessage(bytes);
          if (message.from !== from || message.to !== to) {
            throw new Refusal(status.INVALID_ARGUMENT, 'a message of somebody else, or for somebody else');
          }
          this.handler.receive(message);
        } catch (error) {
          end(error);
        }
      });
      stream.on('end', () => end());
      // A peer that goes away, in whatever manner, is Raft's business.
      stream.on('error', () => undefined);
    } catch (error) {
      end(error);
    }
  }

  private async snapshot(stream: Stream): Promise<Buffer> {
    stream.on('error', () => undefined);
    const { from, to } = this.admit(stream);
    const chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
    const first = await chunks.next();
    if (first.done) throw new Refusal(status.INVALID_ARGUMENT, 'a snapshot without a message');
    const message = decodeMessage(first.value);
    if (message.type !== 'snapshot' || message.from !== from || message.to !== to) {
      throw new Refusal(status.INVALID_ARGUMENT, 'not the message of a snapshot for this member');
    }
    await this.handler.receiveSnapshot(message, chunks);
    this.metricsOf(from).snapshotReceived();
    return NOTHING;
  }

  private reply(reply: Reply, answer: () => Promise<Buffer>): void {
    const run = async (): Promise<Buffer> => answer();
    run().then(
      (body) => reply(null, body),
      (error: unknown) => reply(failure(error, this.options.logger)),
    );
  }

  /** @throws Refusal if the certificate is somebody else's */
  private authenticate(call: Stream | Call): void {
    const allowed = this.options.tls?.allowedNames;
    if (allowed === undefined) return;
    const names = [call.getAuthContext().sslPeerCertificate?.subject.CN ?? []].flat();
    if (names.some((name) => allowed.includes(name))) return;
    throw new Refusal(status.UNAUTHENTICATED, `${names.join() || 'nobody'} is not a member of the store`);
  }

  /** @throws Refusal if the caller is no member, means another one, or comes from another cluster */
  private admit(call: Stream | Call): Envelope {
    this.authenticate(call);
    const envelope = readEnvelope(call.metadata);
    if (envelope === undefined) throw new Refusal(status.INVALID_ARGUMENT, 'the caller does not say who it is');
    if (envelope.clusterId !== this.self.clusterId) {
      throw new Refusal(status.FAILED_PRECONDITION, 'cluster ID mismatch');
    }
    if (envelope.to !== this.self.memberId) throw new Refusal(status.FAILED_PRECONDITION, 'member ID mismatch');
    return envelope;
  }
}

function failure(error: unknown, logger: Logger): Partial<ServiceError> {
  if (error instanceof Refusal) {
    logger.warn({ reason: error.message }, 'a peer was refused');
    return { code: error.code, details: error.message };
  }
  if (error instanceof RangeError) {
    logger.warn({ err: error }, 'a peer sent what is not a message');
    return { code: status.INVALID_ARGUMENT, details: 'not a message' };
  }
  return { code: status.UNAVAILABLE, details: error instanceof Error ? error.message : String(error) };
}

function credentialsOf({ listen: { host }, tls }: PeerTransportOptions): ServerCredentials {
  if (tls === undefined) {
    if (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))) {
      return ServerCredentials.createInsecure();
    }
    throw new Error(`peers may write whatever they like: on ${host} they are let in with certificates only`);
  }
  const pair = { cert_chain: Buffer.from(tls.certificatePem), private_key: Buffer.from(tls.keyPem) };
  return ServerCredentials.createSsl(Buffer.from(tls.caPem), [pair], true);
}
