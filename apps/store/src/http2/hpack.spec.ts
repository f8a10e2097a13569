import fc from 'fast-check';
import { encodeFields, type Field, HpackDecoder } from './hpack';

const LIMIT = 16_384;
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

it("decodes RFC 7541's requests with Huffman codes (appendix C.4), which build on each other", () => {
  const decoder = new HpackDecoder();
  const common = (scheme: string, path: string): Field[] => [
    [':method', 'GET'],
    [':scheme', scheme],
    [':path', path],
    [':authority', 'www.example.com'],
  ];
  expect(decoder.decode(bytes('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'), LIMIT)).toEqual(common('http', '/'));
  expect(decoder.decode(bytes('8286 84be 5886 a8eb 1064 9cbf'), LIMIT)).toEqual([
    ...common('http', '/'),
    ['cache-control', 'no-cache'],
  ]);
  expect(decoder.decode(bytes('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'), LIMIT)).toEqual([
    ...common('https', '/index.html'),
    ['custom-key', 'custom-value'],
  ]);
});

it('decodes what it encodes', () => {
  const text = (maxLength: number): fc.Arbitrary<string> =>
    fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)), maxLength });
  const fields = fc.array(fc.tuple(text(40), text(600)), { maxLength: 5 });
  fc.assert(
    fc.property(fields, (list) => {
      expect(new HpackDecoder().decode(encodeFields(list), LIMIT)).toEqual(list);
    }),
  );
});

it('forgets the oldest fields when the table is full, or made smaller', () => {
  const decoder = new HpackDecoder();
  const kept = (letter: string): Buffer =>
    Buffer.concat([Buffer.of(0x40, 1), Buffer.from(letter), Buffer.of(127, 0xa1, 0x0e), Buffer.alloc(1952, letter)]);
  for (const letter of ['a', 'b', 'c']) decoder.decode(kept(letter), LIMIT);
  expect(decoder.decode(Buffer.of(0xbe, 0xbf), LIMIT).map(([name]) => name)).toEqual(['c', 'b']);
  expect(() => decoder.decode(Buffer.of(0xc0), LIMIT)).toThrow('no field has the number 64');
  // Room for one of them.
  decoder.decode(Buffer.of(0x3f, 0xa9, 0x0f), LIMIT);
  expect(() => decoder.decode(Buffer.of(0xbf), LIMIT)).toThrow('no field has the number 63');
});

it.each([
  ['a field without a number', '80'],
  ['a table that is too large', '3fe2 1f'],
  ['a number without an end', 'ffff ffff ffff ffff'],
  ['a string that is cut off', '0005 61'],
  ['an end of string within a string', '0084 ffff ffff 00'],
  ['padding of zeros', '0081 0000'],
  ['a size after a field', '8220'],
])('refuses %s', (_, hex) => {
  expect(() => new HpackDecoder().decode(bytes(hex), LIMIT)).toThrow();
});

it('refuses what unfolds to more than is allowed, and garbage does nothing worse', () => {
  const bomb = Buffer.concat([
    encodeFields([]),
    Buffer.of(0x40, 1, 0x61, 100),
    Buffer.alloc(100),
    Buffer.alloc(500, 0xbe),
  ]);
  expect(() => new HpackDecoder().decode(bomb, LIMIT)).toThrow('too many header fields');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
      try {
        new HpackDecoder().decode(Buffer.from(garbage), LIMIT);
      } catch (error) {
        expect(error).toHaveProperty('code');
      }
    }),
  );
});
