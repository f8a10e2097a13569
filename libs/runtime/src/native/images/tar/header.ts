/** The archive is not what it says to be. */
export class TarError extends Error {
  override readonly name = 'TarError';
}

/** A header block as it stands: POSIX.1-2017 pax, "ustar Interchange Format", and GNU tar's variant of it. */
export interface RawHeader {
  /** Bytes as characters (latin1): names in archives are bytes, whatever they mean. */
  readonly name: string;
  readonly linkName: string;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
  /** GNU's old sparse files: the map's beginning, whether blocks of it follow, the file's size. */
  readonly sparse?: { readonly map: readonly number[]; readonly hasMore: boolean; readonly realSize: number };
}

export const blockSize = 512;

/** Undefined: a block of zeros, the end. */
export function parseHeader(block: Buffer): RawHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (!hasChecksum(block)) throw new TarError('a header has a wrong checksum');
  const magic = text(block, 257, 6);
  const isGnu = block.toString('latin1', 257, 265) === 'ustar  \0';
  const prefix = magic === 'ustar' && !isGnu ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  const type = String.fromCharCode(block[156] ?? 0);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    type,
    mode: number(block, 100, 8) & 0o7777,
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    size: number(block, 124, 12),
    mtime: number(block, 136, 12),
    ...(type === '3' || type === '4'
      ? { major: number(block, 329, 8), minor: number(block, 337, 8) }
      : { major: 0, minor: 0 }),
    ...(type === 'S' && isGnu
      ? { sparse: { map: sparseMap(block, 386, 4), hasMore: block[482] !== 0, realSize: number(block, 483, 12) } }
      : {}),
  };
}

/** A further block of an old sparse map. */
export function parseSparseBlock(block: Buffer): { readonly map: readonly number[]; readonly hasMore: boolean } {
  return { map: sparseMap(block, 0, 21), hasMore: block[504] !== 0 };
}

/** Offset, length, offset, length … */
function sparseMap(block: Buffer, offset: number, count: number): number[] {
  const map: number[] = [];
  for (let at = offset; at < offset + count * 24 && block[at] !== 0; at += 24) {
    map.push(number(block, at, 12), number(block, at + 12, 12));
  }
  return map;
}

/** The sum of all bytes with the checksum's own as spaces; some old programs took bytes as signed. */
function hasChecksum(block: Buffer): boolean {
  const expected = number(block, 148, 8);
  let unsigned = 8 * 32;
  let signed = 8 * 32;
  for (let at = 0; at < blockSize; at++) {
    if (at >= 148 && at < 156) continue;
    unsigned += block[at] ?? 0;
    signed += block.readInt8(at);
  }
  return expected === unsigned || expected === signed;
}

function text(block: Buffer, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return field.toString('latin1', 0, end < 0 ? length : end);
}

/** Octal digits, or, with the first bit set, big-endian binary (GNU; negative: two's complement). */
function number(block: Buffer, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  if ((first & 0x80) !== 0) {
    let value = BigInt.asIntN(7, BigInt(first & 0x7f));
    for (let at = offset + 1; at < offset + length; at++) value = (value << 8n) | BigInt(block[at] ?? 0);
    return safe(Number(value));
  }
  const digits = text(block, offset, length).trim();
  if (digits === '') return 0;
  if (!/^[0-7]+$/.test(digits)) throw new TarError('a number in a header is not one');
  return safe(Number.parseInt(digits, 8));
}

function safe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new TarError('a number in a header is too large');
  return value;
}
