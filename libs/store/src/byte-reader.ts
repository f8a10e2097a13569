/** Reads what `ByteWriter` wrote. Running past the end, or a number beyond 2^53, throws a `RangeError`; byte strings are views, not copies. */
export class ByteReader {
  constructor(
    readonly memory: Buffer,
    private at = 0,
    private readonly end = memory.length,
  ) {}

  get position(): number {
    return this.at;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  u8(): number {
    this.need(1);
    return this.memory[this.at++]!;
  }

  u32(): number {
    this.need(4);
    const value = this.memory.readUInt32LE(this.at);
    this.at += 4;
    return value;
  }

  u64(): bigint {
    this.need(8);
    const { memory, at } = this;
    this.at += 8;
    // Most are 0, which costs nothing.
    const isZero = memory.readUInt32LE(at) === 0 && memory.readUInt32LE(at + 4) === 0;
    return isZero ? 0n : memory.readBigUInt64LE(at);
  }

  /** The same eight bytes, signed, as lease ids are. */
  i64(): bigint {
    const value = this.u64();
    return value === 0n ? value : BigInt.asIntN(64, value);
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 0x80;
    }
    if (value > Number.MAX_SAFE_INTEGER) throw new RangeError(`number too large before ${this.at}`);
    return value;
  }

  bytes(): Buffer {
    return this.take(this.varint());
  }

  key(): string {
    const length = this.varint();
    this.need(length);
    const value = this.memory.toString('latin1', this.at, this.at + length);
    this.at += length;
    return value;
  }

  skip(length: number): void {
    this.need(length);
    this.at += length;
  }

  /** Everything up to the end. */
  rest(): Buffer {
    return this.take(this.end - this.at);
  }

  private take(length: number): Buffer {
    this.need(length);
    const value = this.memory.subarray(this.at, this.at + length);
    this.at += length;
    return value;
  }

  private need(length: number): void {
    if (this.at + length > this.end)
      throw new RangeError(`${length} bytes wanted at ${this.at}, ${this.end - this.at} left`);
  }
}
