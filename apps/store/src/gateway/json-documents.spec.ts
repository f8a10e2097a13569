import fc from 'fast-check';
import { jsonDocuments } from './json-documents';

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function read(text: string, size = 7, maxBytes = 1_000_000): Promise<unknown[]> {
  const documents: unknown[] = [];
  for await (const document of jsonDocuments(inPieces(text, size), maxBytes)) documents.push(document);
  return documents;
}

it('finds every document, however it is cut', async () => {
  const documents = fc.array(fc.oneof(fc.object(), fc.array(fc.string())), { maxLength: 5 });
  const space = fc.constantFrom('', ' ', '\n\n');
  await fc.assert(
    fc.asyncProperty(documents, space, fc.integer({ min: 1, max: 50 }), async (list, between, size) => {
      // As JSON says it: -0 is 0.
      const texts = list.map((each) => JSON.stringify(each));
      expect(await read(texts.join(between), size)).toEqual(texts.map((each) => JSON.parse(each) as unknown));
    }),
  );
});

it.each(['{"a":', '{"a":"}', '[[1]', '{"a":{"b":1}'])('does not take %s for whole', async (text) => {
  await expect(read(text)).rejects.toThrow('unexpected EOF');
});

it.each(['}', 'nonsense', '{"a":1}}', '{a:1}'])('does not take %s for JSON', async (text) => {
  await expect(read(text)).rejects.toThrow(/JSON/);
});

it('does not gather more than it may', async () => {
  await expect(read(`{"a":"${'x'.repeat(2_000)}"}`, 100, 1_000)).rejects.toThrow(/too large/);
});
