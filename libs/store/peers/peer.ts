import { type Client, type ClientWritableStream, connectivityState, type ServiceError } from '@grpc/grpc-js';
import { type Clock, type Timer } from '#machinery';
import { type Message } from '#raft';
import { type Logger } from '#telemetry';
import { type ConnectTls } from '../src/connect-store';
import { storeErrors } from '../src/errors';
import { type SnapshotMessage } from '../src/replication/peer-transport';
import { backoffMs } from '../remote/backoff';
import { openClient } from '../remote/channel';
import { encodeMessage } from './message-codec';
import { type PeerMetrics } from './peer-metrics';
import { type Envelope, peerService, writeEnvelope } from './peer-service';
import { callUnary } from './unary';

export interface PeerContext {
  readonly tls?: ConnectTls;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: PeerMetrics;
  /** A message to this peer was lost. */
  unreachable(id: bigint): void;
}

/** Raft's own windows are smaller; this is for a peer that has stopped reading while proposals are forwarded to it. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/** A peer that does not answer for so long has its connection made anew. */
export const PEER_KEEP_ALIVE_MS = 2_000;
/** How often the way to a peer and back is measured, as in etcd, and how long that may take. */
const PING_EVERY_MS = 4_000;
const PING_TIMEOUT_MS = 4_000;

/** One other member, and the stream of messages to it: opened when there is something to say, and again, after a pause, when it broke. */
export class Peer {
  private client: Client;
  private url = 0;
  private stream: ClientWritableStream<Buffer> | undefined;
  private pause: Timer | undefined;
  private pinging: Timer;
  private attempt = 0;
  private queuedBytes = 0;
  private isClosed = false;

  constructor(
    private readonly envelope: Envelope,
    readonly urls: readonly string[],
    private readonly context: PeerContext,
  ) {
    this.client = this.connect();
    this.pinging = this.schedulePing();
  }

  send(message: Message): void {
    this.stream ??= this.open();
    if (this.stream === undefined || this.queuedBytes > MAX_QUEUED_BYTES) {
      this.context.metrics.sendFailed();
      this.context.unreachable(this.envelope.to);
      return;
    }
    const bytes = encodeMessage(message);
    this.context.metrics.sent(bytes.length);
    this.queuedBytes += bytes.length;
    this.stream.write(bytes, () => (this.queuedBytes -= bytes.length));
  }

  async sendSnapshot(message: SnapshotMessage, body: AsyncIterable<Buffer>): Promise<void> {
    const { path, requestSerialize, responseDeserialize } = peerService.snapshot;
    let answer: (error: ServiceError | null) => void = () => undefined;
    const answered = new Promise<void>((resolve, reject) => {
      answer = (error) => (error === null ? resolve() : reject(error));
    });
    answered.catch(() => undefined);
    const stream = this.client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      writeEnvelope(this.envelope),
      (error) => answer(error),
    );
    // Its failure is the answer's.
    stream.on('error', () => undefined);
    const write = (bytes: Buffer): Promise<void> =>
      Promise.race([new Promise<void>((resolve) => stream.write(bytes, () => resolve())), answered]);
    try {
      await write(encodeMessage(message));
      for await (const chunk of body) await write(chunk);
      stream.end();
      await answered;
      this.context.metrics.snapshotSent(true);
    } catch (error) {
      this.context.metrics.snapshotSent(false);
      stream.cancel();
      throw error;
    }
  }

  request(body: Buffer, timeoutMs: number): Promise<Buffer> {
    const call = { body, metadata: writeEnvelope(this.envelope), timeoutMs, clock: this.context.clock };
    return callUnary(this.client, peerService.ask, call);
  }

  close(): void {
    this.isClosed = true;
    this.pause?.cancel();
    this.pinging.cancel();
    this.stream?.cancel();
    this.client.close();
  }

  private connect(): Client {
    const url = this.urls[this.url];
    if (url === undefined) throw storeErrors.invalid(`member ${this.envelope.to.toString(16)} has no peer URL`);
    return openClient(url, this.context.tls, PEER_KEEP_ALIVE_MS);
  }

  /** Undefined while the last failure is too recent. */
  private open(): ClientWritableStream<Buffer> | undefined {
    if (this.isClosed || this.pause !== undefined) return undefined;
    const { path, requestSerialize, responseDeserialize } = peerService.messages;
    const metadata = writeEnvelope(this.envelope);
    const stream = this.client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, metadata, (error) =>
      this.broke(error),
    );
    stream.on('metadata', () => {
      this.attempt = 0;
      this.context.metrics.connected();
    });
    stream.on('error', () => undefined);
    return stream;
  }

  private broke(error: ServiceError | null): void {
    const { clock, random, logger, metrics } = this.context;
    metrics.disconnected();
    this.stream = undefined;
    this.queuedBytes = 0;
    if (this.isClosed) return;
    const peer = this.envelope.to.toString(16);
    const url = this.urls[this.url];
    if (this.attempt === 0) logger.warn({ peer, url, reason: error?.details }, 'lost the connection to a peer');
    else logger.debug({ peer, url, reason: error?.details }, 'no connection to a peer');
    this.pause = clock.setTimer(backoffMs(this.attempt++, random), () => (this.pause = undefined));
    if (this.urls.length > 1) {
      this.url = (this.url + 1) % this.urls.length;
      this.reconnect();
    }
    this.context.unreachable(this.envelope.to);
  }

  private reconnect(): void {
    this.client.close();
    this.client = this.connect();
  }

  private schedulePing(): Timer {
    return this.context.clock.setTimer(PING_EVERY_MS, () => void this.ping());
  }

  private async ping(): Promise<void> {
    const { clock, metrics } = this.context;
    const { client } = this;
    const metadata = writeEnvelope(this.envelope);
    const call = { body: Buffer.alloc(0), metadata, timeoutMs: PING_TIMEOUT_MS, clock };
    const askedAt = clock.monotonic();
    try {
      await callUnary(client, peerService.ping, call);
      metrics.roundTrip(clock.monotonic() - askedAt);
    } catch {
      // It is away, or does not know this question: that is told where messages are sent.
      const isLate = clock.monotonic() - askedAt >= PING_TIMEOUT_MS;
      // grpc-js waits for a handshake for ever, if whoever took the connection vanishes before it is over.
      const isConnected = client.getChannel().getConnectivityState(false) === connectivityState.READY;
      if (isLate && !isConnected && !this.isClosed && client === this.client) this.reconnect();
    }
    if (!this.isClosed) this.pinging = this.schedulePing();
  }
}
