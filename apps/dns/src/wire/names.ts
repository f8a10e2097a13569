/**
 * Domain names as text: labels joined by dots, without the last one; the root is ''. Bytes are Latin-1 characters, so that
 * nothing is lost; a dot or backslash inside a label is escaped (`\.`), so such a name equals no name of ours.
 */

export class WireError extends Error {}

const MAX_NAME = 255;

export interface WireName {
  readonly name: string;
  /** Offset of what follows. */
  readonly end: number;
  /** Bytes that the name has without compression. */
  readonly length: number;
}

/** Reads a name, following compression pointers. @throws WireError if it is none */
export function readName(buffer: Buffer, offset: number): WireName {
  const labels: string[] = [];
  let end: number | undefined;
  let length = 1;
  let limit = offset;
  for (let at = offset; ;) {
    const size = buffer[at];
    if (size === undefined) throw new WireError('name ends early');
    if (size === 0) {
      return { name: labels.join('.'), end: end ?? at + 1, length };
    }
    if (size >= 0xc0) {
      const low = buffer[at + 1];
      if (low === undefined) throw new WireError('pointer ends early');
      const target = ((size & 0x3f) << 8) | low;
      end ??= at + 2;
      // Only backwards (RFC 1035, 4.1.4): therefore there are no loops.
      if (target >= limit) throw new WireError('pointer does not point back');
      at = limit = target;
      continue;
    }
    if (size > 63) throw new WireError('unknown kind of label');
    if (at + 1 + size > buffer.length) throw new WireError('label ends early');
    length += size + 1;
    if (length > MAX_NAME) throw new WireError('name is too long');
    labels.push(buffer.toString('latin1', at + 1, at + 1 + size).replace(/[\\.]/g, '\\$&'));
    at += size + 1;
  }
}

/** The offset after a name, without a look at what it points at. @throws WireError if it is none */
export function skipName(buffer: Buffer, offset: number): number {
  for (let at = offset; ;) {
    const size = buffer[at];
    if (size === undefined) throw new WireError('name ends early');
    if (size === 0) return at + 1;
    if (size >= 0xc0) return at + 2;
    if (size > 63) throw new WireError('unknown kind of label');
    at += size + 1;
    if (at - offset >= MAX_NAME) throw new WireError('name is too long');
  }
}

/** ASCII letters only, as RFC 4343 compares names. */
export function lowerCase(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Whether the text can be put on the wire: labels of 1 to 63 bytes, 255 in all. */
export function isEncodable(name: string): boolean {
  if (name === '') return true;
  return name.length <= MAX_NAME - 2 && name.split('.').every((label) => label.length > 0 && label.length <= 63);
}
