import { Readable } from 'node:stream';
import fc from 'fast-check';
import { type Frame, framesOf } from './multiplexed';

const frames = fc.array(fc.record({ isError: fc.boolean(), payload: fc.uint8Array({ minLength: 1, maxLength: 40 }) }));

function encode(isError: boolean, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header[0] = isError ? 2 : 1;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

async function collect(bytes: Buffer, sizes: readonly number[], tty = false): Promise<Frame[]> {
  const chunks: Buffer[] = [];
  for (let offset = 0, index = 0; offset < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    chunks.push(bytes.subarray(offset, offset + size));
    offset += size;
  }
  const found: Frame[] = [];
  for await (const frame of framesOf(Readable.from(chunks), tty)) found.push(frame);
  return found;
}

test('however the bytes are cut, each stream gets its own, and frames begin and end where they did', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(frames, sizes, async (sent, cuts) => {
      const found = await collect(Buffer.concat(sent.map((frame) => encode(frame.isError, frame.payload))), cuts);
      const joined: { isError: boolean; payload: Buffer }[] = [];
      for (const { stream, payload, isFirst } of found) {
        const last = joined[joined.length - 1];
        if (isFirst || last === undefined) joined.push({ isError: stream === 'stderr', payload });
        else last.payload = Buffer.concat([last.payload, payload]);
      }
      expect(joined).toEqual(sent.map(({ isError, payload }) => ({ isError, payload: Buffer.from(payload) })));
      expect(found.filter(({ isLast }) => isLast)).toHaveLength(sent.length);
    }),
  );
});

test('with a terminal there are no frames', async () => {
  const text = Buffer.from([1, 0, 0, 0, 0, 0, 0, 9, 65]);
  const found = await collect(text, [4], true);
  expect(Buffer.concat(found.map(({ payload }) => payload))).toEqual(text);
  expect(found.every(({ stream }) => stream === 'stdout')).toBe(true);
});
