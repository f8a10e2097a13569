import fc from 'fast-check';
import { FrameReader, frame } from './tcp-frames';

test('whatever the pieces, the messages come out as they went in', () => {
  const message = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
      (all, sizes) => {
        const stream = Buffer.concat(all.map(frame));
        const reader = new FrameReader();
        const read: Buffer[] = [];
        for (let at = 0; at < stream.length;) {
          const size = sizes.next().value as number;
          read.push(...reader.push(stream.subarray(at, at + size)));
          at += size;
        }
        expect(read).toEqual(all);
      },
    ),
  );
});

test('a length that promises more than comes keeps nothing back but what came', () => {
  const reader = new FrameReader();
  expect(reader.push(Buffer.from([0xff, 0xff, 1, 2, 3]))).toEqual([]);
  expect(reader.push(Buffer.from([4]))).toEqual([]);
});
