import { ErrorCode, Http2Error } from './frames';
import { decodeHuffman } from './huffman';

export type Field = readonly [name: string, value: string];

/** RFC 7541, appendix A; the first has number 1. */
const STATIC_TABLE: readonly Field[] = [
  ...[':authority=', ':method=GET', ':method=POST', ':path=/', ':path=/index.html', ':scheme=http', ':scheme=https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((code) => `:status=${code}`),
  ...['accept-charset=', 'accept-encoding=gzip, deflate', 'accept-language=', 'accept-ranges=', 'accept='],
  ...['access-control-allow-origin=', 'age=', 'allow=', 'authorization=', 'cache-control=', 'content-disposition='],
  ...['content-encoding=', 'content-language=', 'content-length=', 'content-location=', 'content-range='],
  ...['content-type=', 'cookie=', 'date=', 'etag=', 'expect=', 'expires=', 'from=', 'host=', 'if-match='],
  ...['if-modified-since=', 'if-none-match=', 'if-range=', 'if-unmodified-since=', 'last-modified=', 'link='],
  ...['location=', 'max-forwards=', 'proxy-authenticate=', 'proxy-authorization=', 'range=', 'referer=', 'refresh='],
  ...['retry-after=', 'server=', 'set-cookie=', 'strict-transport-security=', 'transfer-encoding=', 'user-agent='],
  ...['vary=', 'via=', 'www-authenticate='],
].map((field) => field.split('=') as [string, string]);

/** What the table of a connection may hold; HTTP/2's default, which we leave. */
const TABLE_BYTES = 4_096;
/** What an entry counts besides its letters (section 4.1). */
const ENTRY_BYTES = 32;

/** Decodes the header blocks of one connection, all of them and in order: they build on each other. */
export class HpackDecoder {
  /** The newest last. */
  private entries: Field[] = [];
  private bytes = 0;
  private maxBytes = TABLE_BYTES;
  private block: Buffer = Buffer.alloc(0);
  private at = 0;

  /** @throws Http2Error if the block makes no sense, after which no other does either; or if it unfolds to more than `limit` bytes */
  decode(block: Buffer, limit: number): Field[] {
    this.block = block;
    this.at = 0;
    const fields: Field[] = [];
    let size = 0;
    while (this.at < block.length) {
      const byte = block[this.at]!;
      if ((byte & 0xe0) === 0x20) {
        if (fields.length > 0) throw broken('the size of the table changes between fields');
        this.resize(this.integer(5));
        continue;
      }
      const field = this.field(byte);
      size += sizeOf(field);
      if (size > limit) throw new Http2Error(ErrorCode.enhanceYourCalm, 'too many header fields');
      fields.push(field);
    }
    return fields;
  }

  private field(byte: number): Field {
    if (byte & 0x80) return this.entry(this.integer(7));
    const isKept = (byte & 0x40) !== 0;
    const index = this.integer(isKept ? 6 : 4);
    const name = index === 0 ? this.string() : this.entry(index)[0];
    const field: Field = [name, this.string()];
    if (isKept) this.keep(field);
    return field;
  }

  private entry(index: number): Field {
    const field = STATIC_TABLE[index - 1] ?? this.entries[this.entries.length - (index - STATIC_TABLE.length)];
    if (field === undefined) throw broken(`no field has the number ${index}`);
    return field;
  }

  private keep(field: Field): void {
    this.entries.push(field);
    this.bytes += sizeOf(field);
    this.evict();
  }

  private resize(maxBytes: number): void {
    if (maxBytes > TABLE_BYTES) throw broken('the table is larger than allowed');
    this.maxBytes = maxBytes;
    this.evict();
  }

  private evict(): void {
    let count = 0;
    while (this.bytes > this.maxBytes) this.bytes -= sizeOf(this.entries[count++]!);
    if (count > 0) this.entries.splice(0, count);
  }

  private string(): string {
    const isHuffman = (this.byte() & 0x80) !== 0;
    this.at--;
    const length = this.integer(7);
    const end = this.at + length;
    if (end > this.block.length) throw broken('a string is cut off');
    const bytes = this.block.subarray(this.at, end);
    this.at = end;
    return isHuffman ? decodeHuffman(bytes) : bytes.toString('latin1');
  }

  /** Section 5.1. */
  private integer(prefixBits: number): number {
    const most = 2 ** prefixBits - 1;
    let value = this.byte() & most;
    if (value < most) return value;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw broken('a number is too large');
  }

  private byte(): number {
    const byte = this.block[this.at++];
    if (byte === undefined) throw broken('a header block is cut off');
    return byte;
  }
}

/** A header block that refers to nothing but itself: what is sent often is encoded once. Names and values are ASCII below 16 KiB. */
export function encodeFields(fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), encodeString(name), encodeString(value)]));
}

function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const rest = bytes.length - 127;
  const length = rest < 128 ? [127, rest] : [127, (rest & 0x7f) | 0x80, rest >>> 7];
  return Buffer.concat([Buffer.from(length), bytes]);
}

function sizeOf([name, value]: Field): number {
  return name.length + value.length + ENTRY_BYTES;
}

function broken(message: string): Http2Error {
  return new Http2Error(ErrorCode.compression, message);
}
