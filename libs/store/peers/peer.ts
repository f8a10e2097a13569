import { type Clock, type Timer } from '#machinery';
import { type Message } from '#raft';
import { type Logger } from '#telemetry';
import { type ConnectTls } from '../src/connect-store';
import { storeErrors } from '../src/errors';
import { type SnapshotMessage } from '../src/replication/peer-transport';
import { backoffMs } from '../remote/backoff';
import { Connector } from './connector';
import { encodeFrame } from './message-codec';
import { MessageStream } from './message-stream';
import { type PeerMetrics } from './peer-metrics';
import { type Envelope, PATHS, writeEnvelope } from './protocol';
import { sendSnapshot } from './send-snapshot';
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

/** One other member, and the stream of messages to it: opened when there is something to say, and again, after a pause, when it broke. */
export class Peer {
  private connector: Connector;
  private url = 0;
  private stream: MessageStream | undefined;
  private pause: Timer | undefined;
  private attempt = 0;
  private isClosed = false;

  constructor(
    private readonly envelope: Envelope,
    readonly urls: readonly string[],
    private readonly context: PeerContext,
  ) {
    this.connector = this.connect();
  }

  /** Leaves with the next `flush`. */
  send(message: Message): void {
    this.stream ??= this.open();
    if (this.stream === undefined || this.stream.queuedBytes > MAX_QUEUED_BYTES) {
      this.context.metrics.sendFailed();
      this.context.unreachable(this.envelope.to);
      return;
    }
    const frame = encodeFrame(message);
    this.context.metrics.sent(frame.length);
    this.stream.write(frame);
  }

  flush(): void {
    this.stream?.flush();
  }

  async sendSnapshot(message: SnapshotMessage, body: AsyncIterable<Buffer>): Promise<void> {
    const { metrics } = this.context;
    try {
      await sendSnapshot(this.connector, this.envelope, message, body);
      metrics.snapshotSent(true);
    } catch (error) {
      metrics.snapshotSent(false);
      throw error;
    }
  }

  request(body: Buffer, timeoutMs: number): Promise<Buffer> {
    const call = { body, headers: writeEnvelope(this.envelope), timeoutMs, clock: this.context.clock };
    return callUnary(this.connector, PATHS.ask, call);
  }

  close(): void {
    this.isClosed = true;
    this.pause?.cancel();
    this.stream?.close();
    this.connector.close();
  }

  private connect(): Connector {
    const url = this.urls[this.url];
    if (url === undefined) throw storeErrors.invalid(`member ${this.envelope.to.toString(16)} has no peer URL`);
    return new Connector(url, this.context.tls);
  }

  /** Undefined while the last failure is too recent. */
  private open(): MessageStream | undefined {
    if (this.isClosed || this.pause !== undefined) return undefined;
    const { clock, metrics } = this.context;
    return new MessageStream(this.connector, this.envelope, clock, {
      onOpen: () => {
        this.attempt = 0;
        metrics.connected();
      },
      onRoundTrip: (ms) => metrics.roundTrip(ms),
      onEnd: (reason) => this.broke(reason),
    });
  }

  private broke(reason: string): void {
    const { clock, random, logger, metrics } = this.context;
    metrics.disconnected();
    this.stream = undefined;
    const peer = this.envelope.to.toString(16);
    const url = this.urls[this.url];
    if (this.attempt === 0) logger.warn({ peer, url, reason }, 'lost the connection to a peer');
    else logger.debug({ peer, url, reason }, 'no connection to a peer');
    this.pause = clock.setTimer(backoffMs(this.attempt++, random), () => (this.pause = undefined));
    if (this.urls.length > 1) {
      this.url = (this.url + 1) % this.urls.length;
      this.connector.close();
      this.connector = this.connect();
    }
    this.context.unreachable(this.envelope.to);
  }
}
