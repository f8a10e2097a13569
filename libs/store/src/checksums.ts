import zlib from 'node:zlib';

/** Of `bytes[start, end)`, continuing from `seed`, the checksum of what came before; 0 at the beginning. */
export type Checksum = (bytes: Uint8Array, start?: number, end?: number, seed?: number) => number;

/** Castagnoli's polynomial, bit-reversed (RFC 3720, appendix B.4). `zlib.crc32` is the other CRC-32. */
const POLYNOMIAL = 0x82f63b78;

/** Eight tables of 256: table k advances a byte by k further zero bytes ("slicing-by-8", Kounavis and Berry 2005). */
const tables = buildTables();

function buildTables(): Uint32Array {
  const result = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    result[byte] = crc;
  }
  for (let index = 256; index < result.length; index++) {
    const before = result[index - 256]!;
    result[index] = (before >>> 8) ^ result[before & 0xff]!;
  }
  return result;
}

/**
 * CRC-32C of `bytes[start, end)`, continuing from `seed` (the CRC of what came before; 0 at the beginning).
 * `crc32c(b, 0, n, crc32c(a))` equals the CRC of a followed by b.
 */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number {
  let crc = ~seed;
  let at = start;
  for (const blocks = end - 7; at < blocks; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      tables[1792 + (crc & 0xff)]! ^
      tables[1536 + ((crc >>> 8) & 0xff)]! ^
      tables[1280 + ((crc >>> 16) & 0xff)]! ^
      tables[1024 + (crc >>> 24)]! ^
      tables[768 + bytes[at + 4]!]! ^
      tables[512 + bytes[at + 5]!]! ^
      tables[256 + bytes[at + 6]!]! ^
      tables[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}

/** CRC-32 as in Ethernet and zip. */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number {
  return zlib.crc32(bytes.subarray(start, end), seed);
}
