const PREFIX = 2;

/** A message over TCP: two bytes of length, then the message (RFC 1035, 4.2.2). */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(PREFIX);
  length.writeUInt16BE(message.length, 0);
  return Buffer.concat([length, message]);
}

/**
 * Cuts a stream into messages. Holds at most one message that is incomplete; pieces are put together once, however small they come.
 */
export class FrameReader {
  private pieces: Buffer[] = [];
  private size = 0;
  /** Bytes of the frame that has begun, with its prefix; unknown as long as the prefix is incomplete. */
  private wanted = PREFIX;

  push(data: Buffer): Buffer[] {
    this.pieces.push(data);
    this.size += data.length;
    if (this.size < this.wanted) return [];
    let rest = this.pieces.length === 1 ? data : Buffer.concat(this.pieces, this.size);
    const messages: Buffer[] = [];
    this.wanted = PREFIX;
    while (rest.length >= PREFIX) {
      this.wanted = PREFIX + rest.readUInt16BE(0);
      if (rest.length < this.wanted) break;
      messages.push(rest.subarray(PREFIX, this.wanted));
      rest = rest.subarray(this.wanted);
      this.wanted = PREFIX;
    }
    this.pieces = rest.length === 0 ? [] : [rest];
    this.size = rest.length;
    return messages;
  }
}
