import { ErrorCode, FRAME_HEADER_BYTES, Http2Error, PREFACE } from './frames';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  /** A view of what arrived: whoever keeps it copies it. */
  readonly payload: Buffer;
}

/** Cuts what arrives into frames. */
export class FrameReader {
  private data: Buffer = Buffer.alloc(0);
  private at = 0;
  /** Arrived behind `data`, and not looked at before there is enough of it. */
  private more: Buffer[] = [];
  private bytes = 0;
  private needed = PREFACE.length;
  private hasBegun = false;

  constructor(private readonly maxFrameBytes: number) {}

  push(chunk: Buffer): void {
    // Everything before has been taken.
    if (this.bytes === 0) {
      this.data = chunk;
      this.at = 0;
    } else this.more.push(chunk);
    this.bytes += chunk.length;
  }

  /** @returns undefined until more has arrived. @throws Http2Error if it is no HTTP/2, or a frame that is too long */
  next(): Frame | undefined {
    if (!this.hasBegun) {
      if (!this.has(PREFACE.length)) return undefined;
      if (!this.take(PREFACE.length).equals(PREFACE)) throw new Http2Error(ErrorCode.protocol, 'no HTTP/2');
      this.hasBegun = true;
      this.needed = FRAME_HEADER_BYTES;
    }
    if (!this.has(this.needed)) return undefined;
    const { data, at } = this;
    const length = data.readUIntBE(at, 3);
    if (length > this.maxFrameBytes) throw new Http2Error(ErrorCode.frameSize, `a frame of ${length} bytes`);
    this.needed = FRAME_HEADER_BYTES + length;
    if (!this.has(this.needed)) return undefined;
    this.needed = FRAME_HEADER_BYTES;
    const header = this.at;
    const [type, flags] = [this.data[header + 3]!, this.data[header + 4]!];
    const stream = this.data.readUInt32BE(header + 5) & 0x7fff_ffff;
    this.at += FRAME_HEADER_BYTES;
    this.bytes -= FRAME_HEADER_BYTES;
    return { type, flags, stream, payload: this.take(length) };
  }

  /** Whether so many bytes are there; they are in one piece then. */
  private has(count: number): boolean {
    if (this.bytes < count) return false;
    if (this.data.length - this.at < count) {
      this.data = Buffer.concat([this.data.subarray(this.at), ...this.more]);
      this.at = 0;
      this.more = [];
    }
    return true;
  }

  private take(count: number): Buffer {
    const taken = this.data.subarray(this.at, this.at + count);
    this.at += count;
    this.bytes -= count;
    return taken;
  }
}
