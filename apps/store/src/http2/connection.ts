import { type Socket } from 'node:net';
import { FrameReader, type Frame } from './frame-reader';
import {
  DEFAULT_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  Flag,
  frameOf,
  FrameType,
  Http2Error,
  MAX_WINDOW_BYTES,
  numberFrame,
  Setting,
  settingsFrame,
} from './frames';
import { type Field, HpackDecoder } from './hpack';
import { Output } from './output';
import { Http2Stream, type StreamListener } from './stream';

export interface Http2Options {
  /** Bytes of a request that may arrive before somebody takes them. */
  readonly streamWindowBytes: number;
  /** Requests that are answered at a time. */
  readonly maxStreams: number;
  /** A request has begun. @returns who hears of the rest */
  onStream(stream: Http2Stream, fields: readonly Field[]): StreamListener;
  onClose(): void;
  /** Somebody who was told of what has arrived failed at it. The connection ends. */
  onDefect(error: unknown): void;
}

/** Of one request; what a client says beyond that is not listened to. */
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONTINUATIONS = 8;
/** Requests taken back between two looks; the work for them goes on (CVE-2023-44487). */
const MAX_RESETS = 20_000;
/** The connection as a whole waits for nobody: the windows of streams bound what is kept. */
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
const NO_DATA = Buffer.alloc(0);

interface HeaderBlock {
  readonly stream: number;
  readonly isEnd: boolean;
  readonly parts: Buffer[];
  bytes: number;
}

/** The server's side of an HTTP/2 connection (RFC 9113): as much of it as gRPC's servers need, with neither priorities nor pushes. */
export class Http2Connection {
  private readonly reader = new FrameReader(DEFAULT_FRAME_BYTES);
  private readonly decoder = new HpackDecoder();
  private readonly output: Output;
  private readonly streams = new Map<number, Http2Stream>();
  private lastStream = 0;
  private block: HeaderBlock | undefined;
  /** Of the connection's window, not given back yet. */
  private received = 0;
  private isLeaving = false;
  private isOver = false;
  private hasSettings = false;
  /** Looks since anything arrived. */
  private silence = 0;
  private resets = 0;

  constructor(
    readonly socket: Socket,
    private readonly options: Http2Options,
  ) {
    this.output = new Output(socket);
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', () => undefined);
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.close());
    this.output.control(
      Buffer.concat([
        settingsFrame([
          [Setting.maxConcurrentStreams, options.maxStreams],
          [Setting.initialWindowSize, options.streamWindowBytes],
          [Setting.maxHeaderListSize, MAX_HEADER_BYTES],
        ]),
        numberFrame(FrameType.windowUpdate, 0, CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES),
      ]),
    );
    if (socket.destroyed) this.close();
    else socket.resume();
  }

  /** Takes no more requests, and ends when the last is answered. */
  leave(): void {
    if (this.isLeaving || this.isOver) return;
    this.isLeaving = true;
    this.goAway(ErrorCode.none);
    this.endIfDone();
  }

  /**
   * To be called regularly. After `patience` calls in which nothing has arrived the client is pinged; it is given up if that remains
   * without an answer until the next.
   */
  look(patience: number): void {
    this.resets = 0;
    this.silence++;
    if (this.silence === patience) this.output.control(frameOf(FrameType.ping, 0, 0, Buffer.alloc(8)));
    else if (this.silence > patience) this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    this.silence = 0;
    this.reader.push(chunk);
    try {
      for (let frame = this.reader.next(); frame !== undefined && !this.isOver; frame = this.reader.next()) {
        this.take(frame);
      }
    } catch (error) {
      const isClients = error instanceof Http2Error;
      if (!isClients) this.options.onDefect(error);
      this.goAway(isClients ? error.code : ErrorCode.internal);
      this.output.flush();
      this.socket.destroySoon();
      this.close();
    }
  }

  private take(frame: Frame): void {
    if (this.block !== undefined && (frame.type !== FrameType.continuation || frame.stream !== this.block.stream)) {
      throw new Http2Error(ErrorCode.protocol, 'a header block is interrupted');
    }
    if (!this.hasSettings && frame.type !== FrameType.settings) {
      throw new Http2Error(ErrorCode.protocol, 'no SETTINGS at the beginning');
    }
    switch (frame.type) {
      case FrameType.data:
        return this.onData(frame);
      case FrameType.headers:
        return this.onHeaders(frame);
      case FrameType.continuation:
        return this.onContinuation(frame);
      case FrameType.rstStream:
        return this.onReset(frame);
      case FrameType.settings:
        return this.onSettings(frame);
      case FrameType.ping:
        return this.onPing(frame);
      case FrameType.windowUpdate:
        return this.onWindowUpdate(frame);
      case FrameType.pushPromise:
        throw new Http2Error(ErrorCode.protocol, 'a client cannot push');
      // PRIORITY and GOAWAY say nothing that matters here, and other types are to be ignored.
    }
  }

  private onData(frame: Frame): void {
    this.checkKnown(frame.stream);
    const { length } = frame.payload;
    this.received += length;
    if (this.received > CONNECTION_WINDOW_BYTES / 2) {
      this.output.control(numberFrame(FrameType.windowUpdate, 0, this.received));
      this.received = 0;
    }
    // Of a stream that is over: it was under way.
    this.streams.get(frame.stream)?.receive(unpadded(frame), length, (frame.flags & Flag.endStream) !== 0);
  }

  private onHeaders(frame: Frame): void {
    const { stream, flags } = frame;
    const isTrailers = this.streams.has(stream);
    if (!isTrailers && (stream % 2 === 0 || stream <= this.lastStream)) {
      throw new Http2Error(ErrorCode.protocol, `a stream with the number ${stream}`);
    }
    if (!isTrailers) this.lastStream = stream;
    const block = unpadded(frame);
    const part = flags & Flag.priority ? block.subarray(5) : block;
    this.block = { stream, isEnd: (flags & Flag.endStream) !== 0, parts: [part], bytes: part.length };
    if (flags & Flag.endHeaders) this.endBlock(this.block);
  }

  private onContinuation({ payload, flags }: Frame): void {
    const { block } = this;
    if (block === undefined) throw new Http2Error(ErrorCode.protocol, 'a CONTINUATION of nothing');
    block.parts.push(payload);
    block.bytes += payload.length;
    if (block.bytes > MAX_HEADER_BYTES || block.parts.length > MAX_CONTINUATIONS) {
      throw new Http2Error(ErrorCode.enhanceYourCalm, 'too long a header block');
    }
    if (flags & Flag.endHeaders) this.endBlock(block);
  }

  private endBlock({ stream: id, parts, isEnd }: HeaderBlock): void {
    this.block = undefined;
    // Whatever becomes of the stream: what follows builds on this.
    const fields = this.decoder.decode(parts.length === 1 ? parts[0]! : Buffer.concat(parts), MAX_HEADER_BYTES);
    const known = this.streams.get(id);
    if (known !== undefined) {
      // Trailers, which gRPC's clients do not send.
      if (!isEnd) throw new Http2Error(ErrorCode.protocol, 'header fields amidst a body');
      return known.receive(NO_DATA, 0, true);
    }
    if (this.isLeaving || this.streams.size >= this.options.maxStreams) {
      this.output.control(numberFrame(FrameType.rstStream, id, ErrorCode.refusedStream));
      return;
    }
    const stream = new Http2Stream(id, this.output, this.options.streamWindowBytes, () => {
      this.streams.delete(id);
      this.endIfDone();
    });
    this.streams.set(id, stream);
    stream.listen(this.options.onStream(stream, fields));
    if (isEnd) stream.receive(NO_DATA, 0, true);
  }

  private onReset({ stream, payload }: Frame): void {
    checkLength(payload, 4);
    this.checkKnown(stream);
    if (++this.resets > MAX_RESETS) throw new Http2Error(ErrorCode.enhanceYourCalm, 'too many requests taken back');
    this.streams.get(stream)?.gone();
  }

  private onSettings({ stream, flags, payload }: Frame): void {
    if (stream !== 0) throw new Http2Error(ErrorCode.protocol, 'SETTINGS of a stream');
    this.hasSettings = true;
    if (flags & Flag.ack) return;
    if (payload.length % 6 !== 0) throw new Http2Error(ErrorCode.frameSize, 'SETTINGS that are cut off');
    for (let at = 0; at < payload.length; at += 6) this.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    this.output.control(frameOf(FrameType.settings, Flag.ack, 0, NO_DATA));
  }

  private set(id: number, value: number): void {
    if (id === Setting.initialWindowSize) {
      if (value > MAX_WINDOW_BYTES) throw new Http2Error(ErrorCode.flowControl, 'too large a window');
      this.output.setInitialWindow(
        value,
        Array.from(this.streams.values(), ({ queue }) => queue),
      );
    } else if (id === Setting.maxFrameSize) {
      if (value < DEFAULT_FRAME_BYTES || value >= 2 ** 24) throw new Http2Error(ErrorCode.protocol, 'a frame size');
      this.output.setFrameBytes(value);
    }
    // Our header blocks use no table, and we push nothing.
  }

  private onPing({ flags, payload }: Frame): void {
    checkLength(payload, 8);
    if ((flags & Flag.ack) === 0) this.output.control(frameOf(FrameType.ping, Flag.ack, 0, payload));
  }

  private onWindowUpdate({ stream: id, payload }: Frame): void {
    checkLength(payload, 4);
    const bytes = payload.readUInt32BE() & MAX_WINDOW_BYTES;
    if (bytes === 0) throw new Http2Error(ErrorCode.protocol, 'a window grows by nothing');
    if (id === 0) return this.output.grant(bytes);
    this.checkKnown(id);
    const stream = this.streams.get(id);
    if (stream !== undefined) this.output.grant(bytes, stream.queue);
  }

  /** @throws Http2Error for a stream that has not begun */
  private checkKnown(id: number): void {
    if (id === 0 || id > this.lastStream) throw new Http2Error(ErrorCode.protocol, `a stream with the number ${id}`);
  }

  private goAway(code: ErrorCode): void {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(this.lastStream);
    payload.writeUInt32BE(code, 4);
    this.output.control(frameOf(FrameType.goaway, 0, 0, payload));
  }

  private endIfDone(): void {
    if (!this.isLeaving || this.isOver || this.streams.size > 0) return;
    this.output.flush();
    this.socket.end();
  }

  private close(): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const stream of [...this.streams.values()]) stream.gone();
    this.options.onClose();
  }
}

function unpadded({ flags, payload }: Frame): Buffer {
  if ((flags & Flag.padded) === 0) return payload;
  const padding = payload[0] ?? payload.length;
  if (padding >= payload.length) throw new Http2Error(ErrorCode.protocol, 'more padding than frame');
  return payload.subarray(1, payload.length - padding);
}

function checkLength(payload: Buffer, length: number): void {
  if (payload.length !== length) throw new Http2Error(ErrorCode.frameSize, `a frame of ${payload.length} bytes`);
}
