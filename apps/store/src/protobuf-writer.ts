/** A tag, and a number of 64 bits: also what stands before bytes. Of tags below 16 only. */
export const MAX_FIELD_BYTES = 11;

const TWO_TO_28 = 2 ** 28;

/**
 * Writes protobuf's fields one after the other into memory of a size known before: for lists of many small messages, which take a fraction
 * of what general code takes for them. Fields that are 0 or empty are left out, as proto3 has it.
 */
export class ProtobufWriter {
  private readonly memory: Buffer;
  private at = 0;

  /** @param bytes no less than everything takes */
  constructor(bytes: number) {
    this.memory = Buffer.allocUnsafeSlow(bytes);
  }

  written(): Buffer {
    return this.memory.subarray(0, this.at);
  }

  /** @param value a whole number up to 2^53 */
  number(tag: number, value: number): void {
    if (value === 0) return;
    this.memory[this.at++] = tag;
    this.varint(value);
  }

  /** @param value of 64 bits, signed or not */
  bigint(tag: number, value: bigint): void {
    if (value === 0n) return;
    this.memory[this.at++] = tag;
    let rest = BigInt.asUintN(64, value);
    for (; rest >= 0x80n; rest >>= 7n) this.memory[this.at++] = Number(rest & 0x7fn) | 0x80;
    this.memory[this.at++] = Number(rest);
  }

  bytes(tag: number, value: Uint8Array): void {
    if (value.length === 0) return;
    this.memory[this.at++] = tag;
    this.varint(value.length);
    this.memory.set(value, this.at);
    this.at += value.length;
  }

  /** @param value a byte a code unit */
  latin1(tag: number, value: string): void {
    if (value.length === 0) return;
    this.memory[this.at++] = tag;
    this.varint(value.length);
    this.at += this.memory.write(value, this.at, 'latin1');
  }

  /** A message within this one, which `write` writes. @param least bytes that it has at least */
  message(tag: number, least: number, write: () => void): void {
    const { memory } = this;
    memory[this.at++] = tag;
    const start = this.at;
    const begin = (this.at += sizeOf(least));
    write();
    const length = this.at - begin;
    // Seldom: the least was a good guess.
    if (sizeOf(length) > sizeOf(least)) memory.copyWithin(start + sizeOf(length), begin, this.at);
    this.at = start;
    this.varint(length);
    this.at += length;
  }

  private varint(value: number): void {
    const { memory } = this;
    let rest = value;
    for (; rest >= TWO_TO_28; rest = Math.floor(rest / 0x80)) memory[this.at++] = (rest % 0x80) | 0x80;
    for (; rest >= 0x80; rest >>>= 7) memory[this.at++] = (rest & 0x7f) | 0x80;
    memory[this.at++] = rest;
  }
}

/** Of a number that is a length. */
function sizeOf(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : length < TWO_TO_28 ? 4 : 5;
}
