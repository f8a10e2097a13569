/** A malformed message. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

export type WireValue =
  | { readonly type: 'varint'; readonly value: bigint }
  | { readonly type: 'bytes'; readonly value: Buffer }
  | { readonly type: 'fixed'; readonly value: Buffer };

export interface WireField {
  readonly number: number;
  readonly value: WireValue;
}

const MAX_VARINT_BYTES = 10;

/** The fields of a message, in order. Throws `ProtobufError` on anything that is not one (https://protobuf.dev/programming-guides/encoding). */
export function* readFields(message: Buffer): Generator<WireField> {
  let offset = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = message[offset++];
      if (byte === undefined) throw new ProtobufError('unexpected EOF');
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError('proto: integer overflow');
  };
  const take = (length: number): Buffer => {
    if (length > message.length - offset) throw new ProtobufError('unexpected EOF');
    offset += length;
    return message.subarray(offset - length, offset);
  };
  while (offset < message.length) {
    const tag = Number(varint());
    const number = Math.floor(tag / 8);
    if (number === 0) throw new ProtobufError(`proto: illegal tag 0 (wire type ${tag & 7})`);
    switch (tag & 7) {
      case 0:
        yield { number, value: { type: 'varint', value: varint() } };
        break;
      case 1:
        yield { number, value: { type: 'fixed', value: take(8) } };
        break;
      case 2:
        yield { number, value: { type: 'bytes', value: take(Number(varint())) } };
        break;
      case 5:
        yield { number, value: { type: 'fixed', value: take(4) } };
        break;
      default:
        throw new ProtobufError(`proto: illegal wireType ${tag & 7}`);
    }
  }
}
