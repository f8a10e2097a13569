import { ErrorCode, Http2Error } from './frames';

/**
 * How many bits each byte's code has; the last is the end of the string (RFC 7541, appendix B). The code is canonical: codes of one
 * length are consecutive numbers, in the order of their symbols, so that the lengths are all there is to know.
 */
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
] as const;
const END_OF_STRING = 256;

/** Two numbers a node: where 0 and where 1 leads; a symbol is there as `-1 - symbol`. */
const tree = buildTree();

function buildTree(): Int16Array {
  const nodes = [0, 0];
  const symbols = [...LENGTHS.keys()].sort((a, b) => LENGTHS[a]! - LENGTHS[b]! || a - b);
  let code = 0;
  let length = 0;
  for (const symbol of symbols) {
    code *= 2 ** (LENGTHS[symbol]! - length);
    length = LENGTHS[symbol]!;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const branch = node + ((code >>> bit) & 1);
      if (nodes[branch] === 0) nodes[branch] = nodes.push(0, 0) - 2;
      node = nodes[branch]!;
    }
    nodes[node + (code & 1)] = -1 - symbol;
    code++;
  }
  return Int16Array.from(nodes);
}

/** @throws Http2Error for what is no Huffman code */
export function decodeHuffman(bytes: Uint8Array): string {
  // No code has less than five bits.
  const result = Buffer.allocUnsafe(Math.ceil((bytes.length * 8) / 5));
  let length = 0;
  let node = 0;
  let pending = 0;
  let isPadding = true;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const value = (byte >>> bit) & 1;
      const next = tree[node + value]!;
      pending++;
      isPadding &&= value === 1;
      if (next >= 0) {
        node = next;
        continue;
      }
      if (next === -1 - END_OF_STRING) throw new Http2Error(ErrorCode.compression, 'a string ends in its middle');
      result[length++] = -1 - next;
      node = 0;
      pending = 0;
      isPadding = true;
    }
  }
  // Filled up with the most significant bits of the end's code, which are ones (section 5.2).
  if (pending > 7 || !isPadding) throw new Http2Error(ErrorCode.compression, 'a string is filled up wrongly');
  return result.toString('latin1', 0, length);
}
