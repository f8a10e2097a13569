import { status } from '@grpc/grpc-js';
import { RpcError } from '../status';

/** Before each message. */
export const PREFIX_BYTES = 5;

/** Cuts a body into messages: a byte that says whether it is compressed, four of length, the message. */
export class MessageReader {
  private chunks: Buffer[] = [];
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** Nothing is left of the body. */
  get isEmpty(): boolean {
    return this.bytes === 0;
  }

  /** @returns undefined until more has arrived. @throws RpcError in grpc-go's words */
  next(): Buffer | undefined {
    if (this.bytes < PREFIX_BYTES) return undefined;
    // A large message is put together once, when all of it is there.
    if (this.chunks[0]!.length < PREFIX_BYTES) this.join();
    const first = this.chunks[0]!;
    if (first[0] !== 0) {
      throw new RpcError(status.INTERNAL, 'grpc: compressed flag set with identity or empty encoding');
    }
    const length = first.readUInt32BE(1);
    if (length > this.maxBytes) {
      const text = `grpc: received message larger than max (${length} vs. ${this.maxBytes})`;
      throw new RpcError(status.RESOURCE_EXHAUSTED, text);
    }
    const end = PREFIX_BYTES + length;
    if (this.bytes < end) return undefined;
    const all = this.join();
    this.chunks = end === all.length ? [] : [all.subarray(end)];
    this.bytes -= end;
    return all.subarray(PREFIX_BYTES, end);
  }

  private join(): Buffer {
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0]!;
  }
}

/** What stands before a message of so many bytes. */
export function messagePrefix(bytes: number): Buffer {
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix[0] = 0;
  prefix.writeUInt32BE(bytes, 1);
  return prefix;
}

export function framedMessage(message: Uint8Array): Buffer {
  return Buffer.concat([messagePrefix(message.length), message]);
}
