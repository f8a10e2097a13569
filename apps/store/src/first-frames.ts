/** No SETTINGS but the defaults. */
export const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

const PREFACE_BYTES = 24;
const FRAME_HEADER_BYTES = 9;
/** Without SETTINGS to the contrary nobody may send longer ones. */
const LONGEST_FRAME_BYTES = FRAME_HEADER_BYTES + 16_384;
const FrameType = { headers: 1, settings: 4 } as const;
const ACK = 1;
const PADDED = 8;
const PRIORITY = 32;

/** Its index in HPACK's static table. */
const AUTHORITY_INDEX = 1;
/** What stands in for one that is none. */
const AUTHORITY = Buffer.from('\u0004etcd', 'latin1');
/** `http://` and `https://`, and the same in HPACK's Huffman code (RFC 7541, appendix B). */
const PLAIN = ['http://', 'https://'] as const;
const CODES: Readonly<Record<string, string>> = {
  h: '100111',
  t: '01001',
  p: '101011',
  s: '01000',
  ':': '1011100',
  '/': '011000',
};
const HUFFMAN = PLAIN.map((text) => Array.from(text, (letter) => CODES[letter]!).join(''));

/**
 * etcd's clients before 3.5 name the endpoint that they mean, with its scheme, as the authority of their requests (`http://127.0.0.1:2379`).
 * That is no authority (RFC 3986, section 3.2; RFC 9113, section 8.3.1): etcd's own server does not mind, Node's resets the stream. So
 * the frames that such a client begins with are read here first, and the authority replaced: later requests refer to the first one's
 * (RFC 7541, section 2.3.2).
 *
 * The client says nothing before it has our SETTINGS. `SETTINGS` is for it; what acknowledges that is left out of what the server gets,
 * which has sent SETTINGS of its own by then.
 */
export class FirstFrames {
  private bytes: Buffer = Buffer.alloc(0);
  private at = PREFACE_BYTES;
  private readonly kept: Buffer[] = [];
  private isAcknowledged = false;
  private hasHeaders = false;

  /** Whether a connection that begins so may come from such a client: Go's SETTINGS are empty. Undefined: too little to tell. */
  static mayBeNeeded(beginning: Buffer): boolean | undefined {
    if (beginning.length < PREFACE_BYTES + FRAME_HEADER_BYTES) return undefined;
    return beginning.subarray(PREFACE_BYTES, PREFACE_BYTES + FRAME_HEADER_BYTES).equals(SETTINGS);
  }

  /** Takes what has arrived. @returns true when `rest` is what the server can go on with */
  push(chunk: Buffer): boolean {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    if (this.kept.length === 0 && this.bytes.length >= PREFACE_BYTES) this.kept.push(this.bytes.subarray(0, this.at));
    while (!this.isDone && this.bytes.length >= this.at + FRAME_HEADER_BYTES) {
      const end = this.at + FRAME_HEADER_BYTES + this.bytes.readUIntBE(this.at, 3);
      if (end - this.at > LONGEST_FRAME_BYTES) return true;
      if (this.bytes.length < end) break;
      this.take(this.bytes.subarray(this.at, end));
      this.at = end;
    }
    return this.isDone;
  }

  /** Everything that was pushed, without the acknowledgement and with an authority. */
  get rest(): Buffer {
    if (this.kept.length === 0) return this.bytes;
    return Buffer.concat([...this.kept, this.bytes.subarray(this.at)]);
  }

  /** The acknowledgement is out of the way, whatever comes next. */
  get canGoOn(): boolean {
    return this.isAcknowledged;
  }

  private get isDone(): boolean {
    return this.isAcknowledged && this.hasHeaders;
  }

  private take(frame: Buffer): void {
    const [type, flags] = [frame[3], frame[4]!];
    if (type === FrameType.settings && (flags & ACK) !== 0 && !this.isAcknowledged) {
      this.isAcknowledged = true;
      return;
    }
    if (type !== FrameType.headers || this.hasHeaders) {
      this.kept.push(frame);
      return;
    }
    this.hasHeaders = true;
    this.kept.push(withAuthority(frame));
  }
}

/** @returns the same HEADERS frame, or one with another authority */
function withAuthority(frame: Buffer): Buffer {
  const flags = frame[4]!;
  const reader = new FieldReader(frame, FRAME_HEADER_BYTES);
  if ((flags & PADDED) !== 0) reader.skip(1);
  if ((flags & PRIORITY) !== 0) reader.skip(5);
  for (let value = reader.next(); value !== undefined; value = reader.next()) {
    if (value.name !== AUTHORITY_INDEX || !hasScheme(value.bytes, value.isHuffman)) continue;
    const changed = Buffer.concat([frame.subarray(0, value.start), AUTHORITY, frame.subarray(value.end)]);
    changed.writeUIntBE(changed.length - FRAME_HEADER_BYTES, 0, 3);
    return changed;
  }
  return frame;
}

function hasScheme(value: Buffer, isHuffman: boolean): boolean {
  if (!isHuffman) return PLAIN.some((scheme) => value.toString('latin1', 0, scheme.length) === scheme);
  const bits = Array.from(value.subarray(0, 8), (byte) => byte.toString(2).padStart(8, '0')).join('');
  return HUFFMAN.some((scheme) => bits.startsWith(scheme));
}

interface FieldValue {
  /** In the static table; 0: a name of its own. */
  readonly name: number;
  readonly bytes: Buffer;
  readonly isHuffman: boolean;
  /** Where length and value stand in the frame. */
  readonly start: number;
  readonly end: number;
}

/** Walks over the fields of a header block (RFC 7541, section 6). */
class FieldReader {
  constructor(
    private readonly frame: Buffer,
    private at: number,
  ) {}

  skip(bytes: number): void {
    this.at += bytes;
  }

  /** The next value that is spelled out; undefined at the end, and at what makes no sense. */
  next(): FieldValue | undefined {
    for (;;) {
      const byte = this.frame[this.at];
      if (byte === undefined) return undefined;
      const isIndexed = (byte & 0x80) !== 0;
      const isTableSize = (byte & 0xe0) === 0x20;
      const name = this.integer(isIndexed ? 7 : (byte & 0x40) !== 0 ? 6 : isTableSize ? 5 : 4);
      if (isIndexed || isTableSize) continue;
      if (name === 0) this.string();
      const value = this.string();
      return this.at > this.frame.length ? undefined : { name, ...value };
    }
  }

  private string(): Omit<FieldValue, 'name'> {
    const start = this.at;
    const isHuffman = ((this.frame[start] ?? 0) & 0x80) !== 0;
    const length = this.integer(7);
    const from = this.at;
    this.at += length;
    return { start, end: this.at, isHuffman, bytes: this.frame.subarray(from, this.at) };
  }

  /** Section 5.1. */
  private integer(prefixBits: number): number {
    const most = 2 ** prefixBits - 1;
    let value = (this.frame[this.at++] ?? 0) & most;
    if (value < most) return value;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.frame[this.at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  }
}
