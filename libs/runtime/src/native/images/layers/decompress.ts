import { createReadStream } from 'node:fs';
import { pipeline, type Transform } from 'node:stream';
import zlib from 'node:zlib';

const head = 4;
const chunkSize = 256 * 1024;

/** Node 22.15 and later. */
const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };

export type Compression = 'none' | 'gzip' | 'zstd';

/** By the first bytes: media types lie more often than magic numbers. */
export function compressionOf(start: Buffer): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  return start.length >= head && start.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : 'none';
}

/** Bytes that come in, as they are when unpacked. Throws what zlib throws; and an error that says so when this Node has no zstd. */
export async function* decompress(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const chunks = source[Symbol.asyncIterator]();
  let start: Buffer = Buffer.alloc(0);
  while (start.length < head) {
    const next = await chunks.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  const whole = rejoin(start, chunks);
  const filter = filterFor(compressionOf(start));
  if (filter === undefined) return yield* whole;
  // Its end is the filter's, which is read here; errors come out there.
  pipeline(whole, filter, () => undefined);
  yield* filter as AsyncIterable<Buffer>;
}

export function readBlob(path: string, signal?: AbortSignal): AsyncIterable<Buffer> {
  return createReadStream(path, { highWaterMark: chunkSize, signal }) as AsyncIterable<Buffer>;
}

async function* rejoin(start: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  try {
    if (start.length > 0) yield start;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  } finally {
    await chunks.return?.();
  }
}

function filterFor(compression: Compression): Transform | undefined {
  if (compression === 'none') return undefined;
  if (compression === 'gzip') return zlib.createGunzip({ chunkSize });
  if (createZstdDecompress === undefined) {
    throw new Error(`layers compressed with zstd need Node 22.15 or later; this is ${process.version}`);
  }
  return createZstdDecompress();
}
