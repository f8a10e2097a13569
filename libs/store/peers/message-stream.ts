import { type ClientRequest, type IncomingMessage } from 'node:http';
import { type Socket } from 'node:net';
import { type Clock, type Timer } from '#machinery';
import { type Connector, readAnswer } from './connector';
import { FrameReader, NOTHING } from './frames';
import { type Envelope, MESSAGES_PROTOCOL, PATHS, writeEnvelope } from './protocol';

/** How long it may take to be let in. */
const CONNECT_TIMEOUT_MS = 4_000;
/** How often a peer is asked whether it is there. Who has not answered by the next time is not. */
export const PING_EVERY_MS = 2_000;

export interface MessageStreamHost {
  /** The peer has let this member in. */
  onOpen(): void;
  onRoundTrip(ms: number): void;
  /** Called once, unless the stream was closed before. */
  onEnd(reason: string): void;
}

/** A connection to a peer that carries messages, in order; those written before it is open wait. */
export class MessageStream {
  private readonly request: ClientRequest;
  private socket: Socket | undefined;
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private isCorked = false;
  private isOver = false;
  private timer: Timer;
  private askedAt: number | undefined;

  constructor(
    connector: Connector,
    envelope: Envelope,
    private readonly clock: Clock,
    private readonly host: MessageStreamHost,
  ) {
    const upgrade = { connection: 'Upgrade', upgrade: MESSAGES_PROTOCOL };
    this.request = connector.request('GET', PATHS.messages, { ...writeEnvelope(envelope), ...upgrade });
    this.request.on('upgrade', (_response, socket: Socket, head) => this.open(socket, head));
    this.request.on('response', (response) => void this.refused(response));
    this.request.on('error', (error) => this.end(error.message));
    this.request.end();
    this.timer = clock.setTimer(CONNECT_TIMEOUT_MS, () => this.end('connecting takes too long'));
  }

  /** What has not left this process yet. */
  get queuedBytes(): number {
    return this.socket?.writableLength ?? this.waitingBytes;
  }

  /** Leaves with the next `flush`, together with what was written before. @param frame with its prefix */
  write(frame: Buffer): void {
    if (this.isOver) return;
    if (this.socket === undefined) {
      this.waiting.push(frame);
      this.waitingBytes += frame.length;
      return;
    }
    if (!this.isCorked) this.socket.cork();
    this.isCorked = true;
    this.socket.write(frame);
  }

  flush(): void {
    if (!this.isCorked) return;
    this.isCorked = false;
    this.socket?.uncork();
  }

  close(): void {
    this.isOver = true;
    this.timer.cancel();
    this.request.destroy();
    this.socket?.destroy();
    this.waiting = [];
  }

  private open(socket: Socket, head: Buffer): void {
    if (this.isOver) {
      socket.destroy();
      return;
    }
    this.timer.cancel();
    this.socket = socket;
    socket.setNoDelay(true);
    const answers = new FrameReader(0);
    const receive = (chunk: Buffer): void => this.receive(answers, chunk);
    socket.on('data', receive);
    socket.on('error', (error) => this.end(error.message));
    socket.on('close', () => this.end('the connection was closed'));
    if (head.length > 0) receive(head);
    for (const frame of this.waiting) this.write(frame);
    this.waiting = [];
    this.host.onOpen();
    this.ping();
  }

  private ping(): void {
    if (this.askedAt !== undefined) return this.end('it does not answer');
    this.askedAt = this.clock.monotonic();
    this.write(NOTHING);
    this.flush();
    this.timer = this.clock.setTimer(PING_EVERY_MS, () => this.ping());
  }

  /** Nothing but answers to pings comes this way. */
  private receive(answers: FrameReader, chunk: Buffer): void {
    answers.push(chunk);
    try {
      while (answers.next() !== undefined) {
        if (this.askedAt !== undefined) this.host.onRoundTrip(this.clock.monotonic() - this.askedAt);
        this.askedAt = undefined;
      }
    } catch (error) {
      this.end((error as RangeError).message);
    }
  }

  private async refused(response: IncomingMessage): Promise<void> {
    try {
      await readAnswer(response);
      this.end('it does not speak of Raft');
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
    }
  }

  private end(reason: string): void {
    if (this.isOver) return;
    this.close();
    this.host.onEnd(reason);
  }
}
