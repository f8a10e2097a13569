/** A part of a NATS connection that means something on its own. */
export interface NatsFrame {
  readonly bytes: Buffer;
  /** Of what carries a message (`PUB`, `HPUB`, `MSG`, `HMSG`); absent for all else: `INFO`, `CONNECT`, `SUB`, `PING` … */
  readonly subject?: string;
}

const LINE_END = '\r\n';
/** The last number is the length of what follows, headers included (docs.nats.io, "Client Protocol"). */
const MESSAGE = /^H?(?:PUB|MSG) (\S+) .*?(\d+)$/i;

/** Cuts what comes over a NATS connection, either way, into frames. */
export class NatsFrames {
  private rest = Buffer.alloc(0);

  push(chunk: Buffer): NatsFrame[] {
    this.rest = Buffer.concat([this.rest, chunk]);
    const frames: NatsFrame[] = [];
    for (let start = 0; ;) {
      const frame = this.frameAt(start);
      if (frame === undefined) {
        this.rest = this.rest.subarray(start);
        return frames;
      }
      frames.push(frame);
      start += frame.bytes.length;
    }
  }

  /** Undefined if its end has not come yet. */
  private frameAt(start: number): NatsFrame | undefined {
    const lineEnd = this.rest.indexOf(LINE_END, start);
    if (lineEnd < 0) return undefined;
    const message = MESSAGE.exec(this.rest.toString('latin1', start, lineEnd));
    const payload = message === null ? 0 : Number(message[2]) + LINE_END.length;
    const end = lineEnd + LINE_END.length + payload;
    if (end > this.rest.length) return undefined;
    const bytes = this.rest.subarray(start, end);
    return message === null ? { bytes } : { bytes, subject: message[1] ?? '' };
  }
}
