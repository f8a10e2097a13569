import { type Architecture } from './pause-program';

const headerSize = 64;
const segmentSize = 56;
const address = 0x400000;
/** Larger than any page size that either architecture has. */
const alignment = 0x10000;
const machines: Readonly<Record<Architecture, number>> = { x64: 62, arm64: 183 };

/** A static 64-bit Linux executable of one read-execute segment. Its entry is the first byte of `code`. (System V ABI, chapter 4.) */
export function staticElf(architecture: Architecture, code: Buffer): Buffer {
  const codeOffset = headerSize + segmentSize;
  const file = Buffer.alloc(codeOffset + code.length);
  file.write('\x7fELF', 0, 'latin1');
  file.set([2, 1, 1], 4); // 64 bits, little endian, version 1
  file.writeUInt16LE(2, 16); // ET_EXEC
  file.writeUInt16LE(machines[architecture], 18);
  file.writeUInt32LE(1, 20); // version
  file.writeBigUInt64LE(BigInt(address + codeOffset), 24); // entry
  file.writeBigUInt64LE(BigInt(headerSize), 32); // program headers
  file.writeUInt16LE(headerSize, 52);
  file.writeUInt16LE(segmentSize, 54);
  file.writeUInt16LE(1, 56); // one of them
  const segment = headerSize;
  file.writeUInt32LE(1, segment); // PT_LOAD
  file.writeUInt32LE(5, segment + 4); // read, execute
  file.writeBigUInt64LE(BigInt(address), segment + 16);
  file.writeBigUInt64LE(BigInt(address), segment + 24);
  file.writeBigUInt64LE(BigInt(file.length), segment + 32);
  file.writeBigUInt64LE(BigInt(file.length), segment + 40);
  file.writeBigUInt64LE(BigInt(alignment), segment + 48);
  code.copy(file, codeOffset);
  return file;
}
