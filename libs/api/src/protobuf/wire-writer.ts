/** Writes protobuf's wire format: only what the encoder of OpenAPI documents needs. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

const lengthDelimited = 2;

export function bytesField(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + lengthDelimited), varint(content.length), content]);
}

export function stringField(number: number, text: string): Buffer {
  return bytesField(number, Buffer.from(text));
}

/** proto3 leaves false out. */
export function boolField(number: number, value: boolean): Buffer {
  return value ? Buffer.concat([varint(number * 8), varint(1)]) : Buffer.alloc(0);
}
