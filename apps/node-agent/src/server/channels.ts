import { PassThrough, Writable } from 'node:stream';
import { type WebSocket } from 'ws';
import { channel } from '#streaming';

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** The streams of a remote command, on one WebSocket. */
export class CommandChannels {
  readonly stdin = new PassThrough();
  private readonly sizes: TerminalSize[] = [];
  private wakeSizes: (() => void) | undefined;
  private readonly writers: Writable[] = [];
  private isClosed = false;
  private readonly closing = new AbortController();

  constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => this.receive(data));
    socket.on('close', () => {
      this.isClosed = true;
      this.closing.abort(new Error('the client is gone'));
      this.stdin.end();
      this.wakeSizes?.();
    });
  }

  /** Aborts when the client goes away. */
  get closed(): AbortSignal {
    return this.closing.signal;
  }

  /** Messages on a channel; waits while the client does not keep up. */
  writer(number: number): Writable {
    const writer = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (this.socket.readyState !== this.socket.OPEN) return done();
        this.socket.send(Buffer.concat([Buffer.from([number]), chunk]), { binary: true }, (error) => {
          // A client that left is not the command's error.
          if (error === undefined || error === null || this.isClosed) done();
          else done(error);
        });
      },
    });
    this.writers.push(writer);
    return writer;
  }

  /** Terminal sizes, as they come. */
  async *resizes(): AsyncGenerator<TerminalSize> {
    for (;;) {
      const next = this.sizes.shift();
      if (next !== undefined) yield next;
      else if (this.isClosed) return;
      else await new Promise<void>((resolve) => (this.wakeSizes = resolve));
    }
  }

  /** What is still to be written, the outcome, then the end of the connection. */
  async finish(status: object): Promise<void> {
    await Promise.all(this.writers.map((writer) => new Promise<void>((resolve) => writer.end(() => resolve()))));
    if (this.socket.readyState === this.socket.OPEN) {
      this.socket.send(Buffer.concat([Buffer.from([channel.error]), Buffer.from(JSON.stringify(status))]));
    }
    this.socket.close(1000);
  }

  private receive(data: Buffer): void {
    const [number] = data;
    const body = data.subarray(1);
    if (number === channel.stdin) {
      if (body.length > 0 && !this.stdin.writableEnded && !this.stdin.write(body)) this.waitForStdin();
    } else if (number === channel.close && body[0] === channel.stdin) this.stdin.end();
    else if (number === channel.resize) this.resize(body.toString('utf8'));
  }

  /** The command reads slowly: so does the socket. */
  private waitForStdin(): void {
    this.socket.pause();
    this.stdin.once('drain', () => this.socket.resume());
  }

  private resize(text: string): void {
    const { Width: width, Height: height } = parseSize(text);
    if (typeof width !== 'number' || typeof height !== 'number') return;
    // Only the latest size matters.
    this.sizes.splice(0, this.sizes.length, { width, height });
    this.wakeSizes?.();
  }
}

function parseSize(text: string): { Width?: unknown; Height?: unknown } {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    // A client's malformed size changes nothing.
    return {};
  }
}
