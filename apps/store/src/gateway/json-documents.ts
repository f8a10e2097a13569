import { JsonMessageError } from './json-messages';

/**
 * The JSON documents of a body, as they arrive: one after the other, with or without space between them. Looks at brackets and strings
 * alone; what is between them is for `JSON.parse`.
 *
 * @param maxBytes of one document
 */
export async function* jsonDocuments(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<unknown, void, undefined> {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let depth = 0;
  let isString = false;
  let isEscaped = false;
  for await (const chunk of body) {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (isEscaped) isEscaped = false;
      else if (isString) {
        if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) isString = false;
      } else if (byte === QUOTE) isString = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
      else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth <= 0) {
        yield parse([...chunks, chunk.subarray(start, at + 1)]);
        [chunks, bytes, depth, start] = [[], 0, 0, at + 1];
      }
    }
    bytes += chunk.length - start;
    if (bytes > maxBytes) throw new JsonMessageError('etcdserver: request is too large');
    if (start < chunk.length) chunks.push(chunk.subarray(start));
  }
  const rest = Buffer.concat(chunks).toString().trim();
  if (rest === '') return;
  if (depth > 0 || isString) throw new JsonMessageError('unexpected EOF');
  yield parse(chunks);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

function parse(chunks: readonly Uint8Array[]): unknown {
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw new JsonMessageError(error instanceof Error ? error.message : String(error));
  }
}
