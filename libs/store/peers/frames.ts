/** Before each frame: its length, little-endian. A frame of no bytes is a question whether somebody is there, and its answer. */
export const PREFIX_BYTES = 4;
export const NOTHING = Buffer.alloc(PREFIX_BYTES);
/** One message has at most 1 MiB of entries, or one entry, which is as large as a request may be. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** Cuts what arrives into frames. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private bytes = 0;

  constructor(private readonly maxBytes = MAX_FRAME_BYTES) {}

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** Views of what was pushed. @returns undefined until more has arrived. @throws RangeError if a frame claims to be too long */
  next(): Buffer | undefined {
    if (this.bytes < PREFIX_BYTES) return undefined;
    if (this.chunks[0]!.length < PREFIX_BYTES) this.join();
    const length = this.chunks[0]!.readUInt32LE(0);
    if (length > this.maxBytes) throw new RangeError(`a frame of ${length} bytes, ${this.maxBytes} are the most`);
    const end = PREFIX_BYTES + length;
    if (this.bytes < end) return undefined;
    // A long frame is put together once, when all of it is there.
    const all = this.join();
    this.chunks = end === all.length ? [] : [all.subarray(end)];
    this.bytes -= end;
    return all.subarray(PREFIX_BYTES, end);
  }

  private join(): Buffer {
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0]!;
  }
}
