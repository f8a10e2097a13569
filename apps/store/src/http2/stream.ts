import { ErrorCode, Flag, frameOf, FrameType, numberFrame } from './frames';
import { type Output, type SendQueue } from './output';

/** What a request's stream tells. */
export interface StreamListener {
  /** Part of the body, in memory that is not touched again. */
  onData(data: Buffer): void;
  /** The body is complete. */
  onEnd(): void;
  /** The client does not want an answer any more, or its connection is gone. Nothing follows. */
  onGone(): void;
}

/** One request and its answer. */
export class Http2Stream {
  readonly queue: SendQueue;
  private listener: StreamListener | undefined;
  private window: number;
  /** Of the window, taken by the listener and not given back yet. */
  private taken = 0;
  private isReceived = false;
  private isOver = false;

  /** @param onOver it is answered, or nobody waits for an answer */
  constructor(
    private readonly id: number,
    private readonly output: Output,
    private readonly windowBytes: number,
    private readonly onOver: () => void,
  ) {
    this.window = windowBytes;
    this.queue = output.queue(id);
  }

  listen(listener: StreamListener): void {
    this.listener = listener;
  }

  /** @param block encoded fields that begin the answer */
  begin(block: Buffer): void {
    this.frames(frameOf(FrameType.headers, Flag.endHeaders, this.id, block));
  }

  /** @param taken called when the client's flow control has let all of it through */
  write(data: Buffer, taken?: () => void): void {
    if (!this.isOver) this.output.send(this.queue, { data, isData: true, taken });
  }

  /** @param block encoded fields that end the answer */
  end(block: Buffer): void {
    const last = frameOf(FrameType.headers, Flag.endHeaders | Flag.endStream, this.id, block);
    // A client that is not done has nothing more to say that would be listened to (RFC 9113, section 8.1).
    if (this.isReceived) this.frames(last, () => this.over());
    else {
      const enough = numberFrame(FrameType.rstStream, this.id, ErrorCode.none);
      this.frames(Buffer.concat([last, enough]), () => this.over());
    }
  }

  /** There will be no answer. */
  reset(code: ErrorCode): void {
    if (this.isOver) return;
    this.output.control(numberFrame(FrameType.rstStream, this.id, code));
    this.over();
  }

  /** The listener is done with so many bytes of the body: as many more may come. */
  consume(bytes: number): void {
    this.taken += bytes;
    if (this.isOver || this.isReceived || this.taken < this.windowBytes / 2) return;
    this.output.control(numberFrame(FrameType.windowUpdate, this.id, this.taken));
    this.window += this.taken;
    this.taken = 0;
  }

  /** @param counted bytes that the window shrinks by: those of padding, too */
  receive(data: Buffer, counted: number, isEnd: boolean): void {
    if (this.isReceived) return this.fail(ErrorCode.streamClosed);
    this.window -= counted;
    if (this.window < 0) return this.fail(ErrorCode.flowControl);
    if (data.length < counted) this.consume(counted - data.length);
    this.isReceived = isEnd;
    if (data.length > 0) this.listener?.onData(data);
    if (isEnd) this.listener?.onEnd();
  }

  gone(): void {
    if (this.isOver) return;
    this.over();
    this.listener?.onGone();
  }

  private fail(code: ErrorCode): void {
    this.reset(code);
    this.listener?.onGone();
  }

  private frames(data: Buffer, taken?: () => void): void {
    if (!this.isOver) this.output.send(this.queue, { data, isData: false, taken });
  }

  private over(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.output.forget(this.queue);
    this.onOver();
  }
}
