import { type Socket } from 'node:net';
import {
  DEFAULT_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  FrameType,
  frameHeader,
  Http2Error,
  ErrorCode,
  MAX_WINDOW_BYTES,
} from './frames';

/** What a client that does not read is made to wait with: nothing more of what it sends is read. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const MAX_FRAME_BYTES = 256 * 1024;
/** Where pieces are as large as this on average, they are handed to the kernel as they are. */
const WORTH_NO_COPY_BYTES = 4 * 1024;

interface Piece {
  readonly data: Buffer;
  /** Data is subject to flow control. Anything else is whole frames. */
  readonly isData: boolean;
  readonly taken?: () => void;
}

/** What a stream has to send yet. */
export interface SendQueue {
  readonly id: number;
  window: number;
  readonly pieces: Piece[];
  /** Sent of the first piece. */
  sent: number;
}

/**
 * What a connection sends. All of one turn of the event loop is one write, which is most of what makes many small calls cheap. Data waits
 * for the flow control of its stream and of the connection (RFC 9113, section 5.2), and for the socket.
 */
export class Output {
  private gathered: Buffer[] = [];
  /** Of what is gathered. */
  private bytes = 0;
  private isScheduled = false;
  private window = DEFAULT_WINDOW_BYTES;
  private readonly waiting = new Set<SendQueue>();
  private frameBytes = DEFAULT_FRAME_BYTES;
  private initialWindow = DEFAULT_WINDOW_BYTES;

  constructor(private readonly socket: Socket) {
    socket.on('drain', () => {
      if (socket.isPaused()) socket.resume();
      this.drain();
    });
  }

  queue(id: number): SendQueue {
    return { id, window: this.initialWindow, pieces: [], sent: 0 };
  }

  /** @param frames whole frames that no flow control holds back */
  control(frames: Buffer): void {
    this.gather(frames);
  }

  /** In the order of calls. @param taken called when flow control has let all of it through */
  send(queue: SendQueue, piece: Piece): void {
    queue.pieces.push(piece);
    if (queue.pieces.length === 1) this.advance(queue);
  }

  forget(queue: SendQueue): void {
    this.waiting.delete(queue);
    queue.pieces.length = 0;
  }

  /** The peer takes so much more. @param queue undefined: on the connection as a whole */
  grant(bytes: number, queue?: SendQueue): void {
    const window = queue === undefined ? (this.window += bytes) : (queue.window += bytes);
    if (window > MAX_WINDOW_BYTES) throw new Http2Error(ErrorCode.flowControl, 'a window is too large');
    if (queue === undefined) this.drain();
    else this.advance(queue);
  }

  setFrameBytes(bytes: number): void {
    this.frameBytes = Math.min(bytes, MAX_FRAME_BYTES);
  }

  /** Counts for streams that are open, too (section 6.9.2). */
  setInitialWindow(bytes: number, open: Iterable<SendQueue>): void {
    const difference = bytes - this.initialWindow;
    this.initialWindow = bytes;
    for (const queue of open) this.grant(difference, queue);
  }

  flush(): void {
    this.isScheduled = false;
    const { gathered, socket } = this;
    if (gathered.length === 0 || socket.destroyed) return;
    this.gathered = [];
    const { bytes } = this;
    this.bytes = 0;
    if (bytes < gathered.length * WORTH_NO_COPY_BYTES) socket.write(Buffer.concat(gathered, bytes));
    else {
      // One system call all the same.
      socket.cork();
      for (const each of gathered) socket.write(each);
      socket.uncork();
    }
    if (socket.writableLength > MAX_BUFFERED_BYTES) socket.pause();
  }

  private drain(): void {
    for (const queue of [...this.waiting]) this.advance(queue);
  }

  private advance(queue: SendQueue): void {
    const { pieces } = queue;
    while (pieces.length > 0) {
      const { data, isData, taken } = pieces[0]!;
      if (isData && !this.sendData(queue, data)) {
        this.waiting.add(queue);
        return;
      }
      if (!isData) this.gather(data);
      pieces.shift();
      queue.sent = 0;
      taken?.();
    }
    this.waiting.delete(queue);
  }

  /** @returns whether all of it could be sent */
  private sendData(queue: SendQueue, data: Buffer): boolean {
    while (queue.sent < data.length) {
      const count = Math.min(data.length - queue.sent, this.frameBytes, queue.window, this.window);
      if (count <= 0 || this.socket.writableNeedDrain) return false;
      this.gather(frameHeader({ length: count, type: FrameType.data, flags: 0, stream: queue.id }));
      this.gather(data.subarray(queue.sent, queue.sent + count));
      queue.sent += count;
      queue.window -= count;
      this.window -= count;
    }
    return true;
  }

  private gather(bytes: Buffer): void {
    this.gathered.push(bytes);
    this.bytes += bytes.length;
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => this.flush());
  }
}
