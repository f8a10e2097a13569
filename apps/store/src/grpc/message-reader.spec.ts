import fc from 'fast-check';
import { framedMessage, MessageReader } from './message-reader';

it('reads the same messages however they are cut into pieces', () => {
  const messages = fc.array(
    fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(messages, fc.integer({ min: 1, max: 20 }), (sent, size) => {
      const all = Buffer.concat(sent.map(framedMessage));
      const reader = new MessageReader(30);
      const read = [];
      for (let at = 0; at < all.length; at += size) {
        reader.push(all.subarray(at, at + size));
        for (let message = reader.next(); message !== undefined; message = reader.next()) read.push(message);
      }
      expect(read).toEqual(sent);
      expect(reader.isEmpty).toBe(true);
    }),
  );
});

it('refuses a message by its length, before it has arrived, and one that is compressed', () => {
  const long = new MessageReader(30);
  long.push(Buffer.of(0, 0, 0, 0, 31));
  expect(() => long.next()).toThrow('grpc: received message larger than max (31 vs. 30)');
  const compressed = new MessageReader(30);
  compressed.push(Buffer.of(1, 0, 0, 0, 0));
  expect(() => compressed.next()).toThrow('compressed');
});
