import fc from 'fast-check';
import { FrameReader, PREFIX_BYTES } from './frames';

function framed(body: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32LE(body.length);
  return Buffer.concat([prefix, body]);
}

function all(reader: FrameReader): Buffer[] {
  const frames: Buffer[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(Buffer.from(frame));
  return frames;
}

describe('frames', () => {
  it('come out as they went in, wherever the network cuts them', () => {
    const bodies = fc.array(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(framed));
        const reader = new FrameReader();
        const received: Buffer[] = [];
        for (let at = 0, n = 0; at < bytes.length; at += cuts[n++ % cuts.length]!) {
          reader.push(bytes.subarray(at, at + cuts[n % cuts.length]!));
          received.push(...all(reader));
        }
        expect(received).toEqual(sent);
      }),
    );
  });

  it('that claim to be too long are refused before they have arrived', () => {
    const reader = new FrameReader(10);
    reader.push(framed(Buffer.alloc(10)));
    expect(all(reader)).toHaveLength(1);
    reader.push(framed(Buffer.alloc(11)).subarray(0, PREFIX_BYTES));
    expect(() => reader.next()).toThrow(RangeError);
  });
});
