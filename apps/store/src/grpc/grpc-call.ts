import { type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type MethodDefinition, status } from '@grpc/grpc-js';
import { encodeFields, type Field } from '../http2/hpack';
import { type Http2Stream, type StreamListener } from '../http2/stream';
import { type CallMetrics } from '../metrics';
import { RpcError, type Status } from '../status';
import { type BodyBudget } from './body-budget';
import { framedMessage, messagePrefix, MessageReader, PREFIX_BYTES } from './message-reader';

const BEGINNING: readonly Field[] = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];
const BEGIN = encodeFields(BEGINNING);
const END_WELL = encodeFields([['grpc-status', '0']]);
/** Of a message about what went wrong; clients limit what they take. */
const MAX_DETAILS = 4_096;
/** A message as large as this has frames of its own. */
const WORTH_NO_COPY_BYTES = 16 * 1024;
/** etcd's words for what is refused before it has begun: it can be sent again. */
const TOO_MUCH: Status = { code: status.RESOURCE_EXHAUSTED, details: 'etcdserver: too many requests' };

export interface CallTarget {
  readonly definition: MethodDefinition<unknown, unknown>;
  /** The only message of a request that is not a stream. */
  onMessage?(message: unknown): void;
  /** Hears of its end when the answer is complete, for whatever reason, or there is nobody any more to answer. */
  readonly metrics: CallMetrics;
}

/** One call: messages in and out, by gRPC's protocol over HTTP/2. */
export class GrpcCall implements StreamListener {
  private readonly reader: MessageReader;
  private target: CallTarget | undefined;
  private requests: Duplex | undefined;
  private onGoneListeners: (() => void)[] = [];
  private hasBegun = false;
  private over: status | undefined;
  private message: Buffer | undefined;
  /** The request is complete. */
  private isComplete = false;
  /** Somebody waits for the next request of a stream. */
  private isWanted = false;
  /** Of the connection's budget. */
  private held = 0;

  constructor(
    private readonly stream: Http2Stream,
    private readonly fields: readonly Field[],
    private readonly socket: Socket,
    maxMessageBytes: number,
    private readonly budget: BodyBudget,
  ) {
    this.reader = new MessageReader(maxMessageBytes);
  }

  field(name: string): string | undefined {
    return this.fields.find(([each]) => each === name)?.[1];
  }

  /** The subject's common name in a client certificate that was verified. */
  get commonName(): string | undefined {
    if (!(this.socket instanceof TLSSocket)) return undefined;
    // Without a certificate there is no subject, whatever the types say.
    const subject = this.socket.getPeerCertificate().subject as { readonly CN?: string | string[] } | undefined;
    return [subject?.CN ?? []].flat()[0];
  }

  /** Nobody waits for an answer. */
  get isOver(): boolean {
    return this.over !== undefined;
  }

  /** Called if the client goes away, or its time is up, before the answer is complete. */
  onceGone(listener: () => void): void {
    if (this.over === undefined) this.onGoneListeners.push(listener);
    else if (isGone(this.over)) listener();
  }

  open(target: CallTarget): void {
    this.target = target;
  }

  /** Requests as they are read, answers as they are written; a write calls back when the client's flow control has let it through. */
  duplex(): Duplex {
    this.requests = new Duplex({
      objectMode: true,
      allowHalfOpen: true,
      read: () => {
        this.isWanted = true;
        this.nextRequest();
      },
      write: (message: unknown, _encoding, done) => {
        this.send(message, () => done());
      },
    });
    // How it ends is said by the call.
    this.requests.on('error', () => undefined);
    return this.requests;
  }

  /** @param taken called when the client's flow control has let it through */
  send(message: unknown, taken?: () => void): void {
    if (this.isOver) return;
    this.begin();
    const { definition, metrics } = this.target!;
    const bytes = definition.responseSerialize(message);
    metrics.sent(bytes.length);
    if (bytes.length < WORTH_NO_COPY_BYTES) return this.stream.write(framedMessage(bytes), taken);
    this.stream.write(messagePrefix(bytes.length));
    this.stream.write(bytes, taken);
  }

  /** The answer is complete. */
  finish(): void {
    if (this.isOver) return;
    this.begin();
    this.stream.end(END_WELL);
    this.end(status.OK);
  }

  /** The call ends with this. */
  fail({ code, details }: Status): void {
    if (this.isOver) return;
    const message = encodeURI(Buffer.from(details.slice(0, MAX_DETAILS)).toString());
    const fields: readonly Field[] = [
      ['grpc-status', String(code)],
      ['grpc-message', message],
    ];
    this.stream.end(encodeFields(this.hasBegun ? fields : [...BEGINNING, ...fields]));
    this.end(code);
  }

  expire(): void {
    if (this.isOver) return;
    this.fail({ code: status.DEADLINE_EXCEEDED, details: 'context deadline exceeded' });
  }

  onData(data: Buffer): void {
    if (this.isOver) return this.stream.consume(data.length);
    if (!this.budget.take(data.length)) return this.fail(TOO_MUCH);
    this.held += data.length;
    this.reader.push(data);
    if (this.requests !== undefined) return this.nextRequest();
    this.attempt(() => {
      this.message ??= this.reader.next();
      if (this.message !== undefined && !this.reader.isEmpty) throw notOneMessage();
    });
  }

  onEnd(): void {
    this.isComplete = true;
    if (this.isOver) return;
    if (this.requests !== undefined) return this.nextRequest();
    this.attempt(() => {
      this.release(this.held);
      if (this.message === undefined) throw notOneMessage();
      this.target?.onMessage?.(this.decode(this.message));
    });
  }

  onGone(): void {
    if (!this.isOver) this.end(status.CANCELLED);
  }

  /** Gives the reader of requests the next one when it is there. */
  private nextRequest(): void {
    const { requests, reader } = this;
    if (requests === undefined || this.isOver) return;
    this.attempt(() => {
      while (this.isWanted) {
        const message = reader.next();
        if (message === undefined) break;
        this.release(message.length + PREFIX_BYTES);
        this.stream.consume(message.length + PREFIX_BYTES);
        this.isWanted = requests.push(this.decode(message));
      }
      if (!this.isWanted || !this.isComplete) return;
      this.isWanted = false;
      requests.push(null);
    });
  }

  private decode(message: Buffer): unknown {
    const { definition, metrics } = this.target!;
    metrics.received(message.length);
    try {
      return definition.requestDeserialize(message);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new RpcError(status.INTERNAL, `grpc: error unmarshalling request: ${reason}`);
    }
  }

  private attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.fail({ code: error.code, details: error.message });
    }
  }

  private begin(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.stream.begin(BEGIN);
  }

  private release(bytes: number): void {
    this.held -= bytes;
    this.budget.give(bytes);
  }

  private end(code: status): void {
    this.over = code;
    this.release(this.held);
    this.message = undefined;
    this.target?.metrics.ended(code);
    const listeners = this.onGoneListeners;
    this.onGoneListeners = [];
    if (isGone(code)) for (const listener of listeners) listener();
    this.requests?.destroy();
  }
}

function notOneMessage(): RpcError {
  return new RpcError(status.INTERNAL, 'not exactly one message in a request');
}

function isGone(code: status): boolean {
  return code === status.CANCELLED || code === status.DEADLINE_EXCEEDED;
}
