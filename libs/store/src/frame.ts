import { ByteReader } from './byte-reader';
import { type ByteWriter } from './byte-writer';
import { type Checksum } from './checksums';

/**
 * The unit of both file formats: length of the body (u32), type (u8), body, CRC (u32) of all that, continued from
 * the CRC of the frame before. The first frame of a batch is different: it repeats the CRC before it in front of its
 * body and starts its own afresh, so that it can be recognised even behind damage. It says that everything before it
 * was durable when it was written.
 */
const HEAD_BYTES = 5;
const CRC_BYTES = 4;
export const FRAME_OVERHEAD_BYTES = HEAD_BYTES + 2 * CRC_BYTES;

/** In the type of the first frame of a batch. */
const FIRST_OF_BATCH = 0x80;

/** What a frame's CRC depends on besides its bytes. */
export interface Chain {
  /** The CRC of the frame before; of the file's header for the first. */
  readonly crc: number;
  /** Different for each file (its header's CRC), so that no frame passes for one of another file. */
  readonly salt: number;
  readonly checksum: Checksum;
}

export interface Frame {
  readonly type: number;
  readonly isFirstOfBatch: boolean;
  readonly body: ByteReader;
  readonly crc: number;
  /** Offset behind the frame. */
  readonly end: number;
}

/** @returns this frame's CRC */
export function appendFrame(
  writer: ByteWriter,
  frame: { readonly type: number; readonly isFirstOfBatch?: boolean; readonly after: Chain },
  writeBody: (writer: ByteWriter) => void,
): number {
  const { type, isFirstOfBatch = false, after } = frame;
  const start = writer.length;
  writer.u32(0);
  writer.u8(isFirstOfBatch ? type | FIRST_OF_BATCH : type);
  if (isFirstOfBatch) writer.u32(after.crc);
  writeBody(writer);
  writer.patchU32(writer.length - start - HEAD_BYTES, start);
  const crc = after.checksum(writer.view(start), 0, writer.length - start, seedOf(isFirstOfBatch, after));
  writer.u32(crc);
  return crc;
}

/** @returns undefined if there is no intact frame that continues the chain */
export function readFrame(data: Buffer, offset: number, after: Chain): Frame | undefined {
  const frame = readAnyFrame(data, offset, after);
  if (frame?.isFirstOfBatch && frame.body.u32() !== after.crc) return undefined;
  return frame;
}

/** Whether a batch starts at `offset`, whatever stands before it. */
export function isBatchStart(data: Buffer, offset: number, file: Pick<Chain, 'salt' | 'checksum'>): boolean {
  return (data[offset + 4]! & FIRST_OF_BATCH) !== 0 && readAnyFrame(data, offset, { ...file, crc: 0 }) !== undefined;
}

function readAnyFrame(data: Buffer, offset: number, after: Chain): Frame | undefined {
  if (offset + HEAD_BYTES + CRC_BYTES > data.length) return undefined;
  const bodyEnd = offset + HEAD_BYTES + data.readUInt32LE(offset);
  const end = bodyEnd + CRC_BYTES;
  if (end > data.length || bodyEnd === offset + HEAD_BYTES) return undefined;
  const type = data[offset + 4]!;
  const isFirstOfBatch = (type & FIRST_OF_BATCH) !== 0;
  if (isFirstOfBatch && bodyEnd < offset + HEAD_BYTES + CRC_BYTES) return undefined;
  const crc = after.checksum(data, offset, bodyEnd, seedOf(isFirstOfBatch, after));
  if (crc !== data.readUInt32LE(bodyEnd)) return undefined;
  const body = new ByteReader(data, offset + HEAD_BYTES, bodyEnd);
  return { type: type & ~FIRST_OF_BATCH, isFirstOfBatch, body, crc, end };
}

function seedOf(isFirstOfBatch: boolean, { crc, salt }: Chain): number {
  return isFirstOfBatch ? salt : (crc ^ salt) >>> 0;
}
