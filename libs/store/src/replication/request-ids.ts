import { ByteReader } from '../byte-reader';
import { encodeRequestId } from './entry-data';

const ID_BYTES = 8;

/** One member's request ids as bytes, made and recognised without making anything else: this is done for each write. */
export class RequestIds {
  private readonly memory: Buffer;
  private readonly low: number;
  private readonly high: number;

  constructor(memberId: bigint) {
    this.memory = Buffer.alloc(2 * ID_BYTES);
    encodeRequestId({ memberId, sequence: 0 }).copy(this.memory);
    this.low = this.memory.readUInt32LE(0);
    this.high = this.memory.readUInt32LE(4);
  }

  /** As `encodeRequestId`. Valid until the next call. */
  encode(sequence: number): Buffer {
    let at = ID_BYTES;
    let rest = sequence;
    while (rest >= 0x80) {
      this.memory[at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.memory[at++] = rest;
    return this.memory.subarray(0, at);
  }

  /** Undefined: another member's request. */
  sequenceOf(request: Buffer): number | undefined {
    if (request.length <= ID_BYTES) return undefined;
    if (request.readUInt32LE(0) !== this.low || request.readUInt32LE(4) !== this.high) return undefined;
    return new ByteReader(request, ID_BYTES).varint();
  }
}
