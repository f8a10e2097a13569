import fc from 'fast-check';
import { FrameReader } from './frame-reader';
import { frameOf, PREFACE } from './frames';

const frames = fc.array(
  fc.record({
    type: fc.nat({ max: 10 }),
    flags: fc.nat({ max: 255 }),
    stream: fc.nat(),
    payload: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
  }),
  { maxLength: 8 },
);

it('reads the same frames however they are cut into pieces', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sent, cuts) => {
      const all = Buffer.concat([PREFACE, ...sent.map((f) => frameOf(f.type, f.flags, f.stream, f.payload))]);
      const reader = new FrameReader(50);
      const read = [];
      for (let at = 0, n = 0; at < all.length; n++) {
        const end = at + cuts[n % cuts.length]!;
        reader.push(all.subarray(at, end));
        at = end;
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) read.push(frame);
      }
      expect(read).toEqual(sent);
    }),
  );
});

it('refuses what does not begin as HTTP/2, and frames that are too long before they have arrived', () => {
  const other = new FrameReader(50);
  other.push(Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'));
  expect(() => other.next()).toThrow('no HTTP/2');
  const reader = new FrameReader(50);
  reader.push(Buffer.concat([PREFACE, frameOf(0, 0, 1, Buffer.alloc(51)).subarray(0, 9)]));
  expect(() => reader.next()).toThrow('a frame of 51 bytes');
});
