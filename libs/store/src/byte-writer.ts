/** Builds a byte string in one growing buffer; `reset` keeps the memory for the next one. */
export class ByteWriter {
  private memory: Buffer;
  private used = 0;

  /** @param retain bytes of memory kept by `reset`; anything larger is given back. */
  constructor(private readonly retain = 64 * 1024) {
    this.memory = Buffer.allocUnsafeSlow(Math.min(retain, 4096));
  }

  get length(): number {
    return this.used;
  }

  /** What was written so far, in place: valid until the next call. */
  view(start = 0): Buffer {
    return this.memory.subarray(start, this.used);
  }

  /** What was written, in memory of its own and of exactly its size, so that keeping a part keeps nothing else alive. */
  toBuffer(): Buffer {
    const copy = Buffer.allocUnsafeSlow(this.used);
    this.memory.copy(copy, 0, 0, this.used);
    return copy;
  }

  reset(): void {
    this.used = 0;
    if (this.memory.length > this.retain) this.memory = Buffer.allocUnsafeSlow(this.retain);
  }

  u8(value: number): void {
    this.reserve(1);
    this.memory[this.used++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.used = this.memory.writeUInt32LE(value, this.used);
  }

  u64(value: bigint): void {
    this.reserve(8);
    this.used = this.memory.writeBigUInt64LE(BigInt.asUintN(64, value), this.used);
  }

  /** LEB128, for whole numbers up to 2^53. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.memory[this.used++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.memory[this.used++] = rest;
  }

  /** A length and the bytes. */
  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.reserve(value.length);
    this.memory.set(value, this.used);
    this.used += value.length;
  }

  /** The bytes alone. */
  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.memory.set(value, this.used);
    this.used += value.length;
  }

  /** A length and a byte string, one byte a code unit. */
  key(value: string): void {
    this.varint(value.length);
    this.reserve(value.length);
    this.used += this.memory.write(value, this.used, 'latin1');
  }

  patchU32(value: number, position: number): void {
    this.memory.writeUInt32LE(value, position);
  }

  private reserve(count: number): void {
    if (this.used + count <= this.memory.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.memory.length * 2, this.used + count));
    this.memory.copy(larger, 0, 0, this.used);
    this.memory = larger;
  }
}
