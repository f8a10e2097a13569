import { type Readable } from 'node:stream';

export interface Frame {
  readonly stream: 'stdout' | 'stderr';
  readonly payload: Buffer;
  /** The frame ends with this piece: a large one comes in several. */
  readonly isLast: boolean;
  /** The frame begins with this piece. */
  readonly isFirst: boolean;
}

const headerLength = 8;
const stderrType = 2;

/**
 * Docker's framing of two streams on one connection (Engine API, "Stream format"): type, three zero bytes, length, payload. With a terminal there is no
 * framing: each chunk is a frame. Nothing is buffered beyond a header; a cut frame at the end is passed on as it is.
 */
export async function* framesOf(source: Readable, tty: boolean): AsyncGenerator<Frame> {
  let header = Buffer.alloc(0);
  let stream: Frame['stream'] = 'stdout';
  let remaining = 0;
  let isFirst = true;
  for await (const piece of source as AsyncIterable<Buffer>) {
    if (tty) {
      yield { stream, payload: piece, isFirst: true, isLast: true };
      continue;
    }
    let chunk = piece;
    while (chunk.length > 0) {
      if (remaining === 0) {
        const missing = headerLength - header.length;
        header = Buffer.concat([header, chunk.subarray(0, missing)]);
        chunk = chunk.subarray(missing);
        if (header.length < headerLength) break;
        stream = header[0] === stderrType ? 'stderr' : 'stdout';
        remaining = header.readUInt32BE(4);
        header = Buffer.alloc(0);
        isFirst = true;
        continue;
      }
      const payload = chunk.subarray(0, remaining);
      remaining -= payload.length;
      chunk = chunk.subarray(payload.length);
      yield { stream, payload, isFirst, isLast: remaining === 0 };
      isFirst = false;
    }
  }
}
