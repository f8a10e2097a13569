import { goQuote } from './go-text';
import { type JsonValue } from './objects';

/** A text that is no JSON, or JSON nested too deeply. The message is that of Go's `encoding/json`. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

export interface ParsedText {
  readonly value: JsonValue;
  /** Complaints about keys that occur twice, in document order. The last one counts. */
  readonly duplicates: readonly string[];
}

/** Go's limit. Deeper documents could exhaust the stack of whoever walks them. */
const maximumDepth = 10_000;
/** What this program's recursive walkers are sure to survive. No object of the API comes near it. */
const safeDepth = 1_000;
/** As many duplicates as upstream reports. */
const maximumDuplicates = 100;

/** Parses JSON. Throws `JsonSyntaxError`. */
export function parseJson(text: string): ParsedText {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw describeSyntaxError(text, error);
  }
  const keys = countKeys(value, 0);
  return { value, duplicates: countKeysInText(text) === keys ? [] : findDuplicates(text) };
}

function countKeys(value: JsonValue, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth >= safeDepth) throw new JsonSyntaxError('exceeded max depth');
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item, depth + 1);
    return count;
  }
  for (const key in value) count += 1 + countKeys(value[key] ?? null, depth + 1);
  return count;
}

/** Cheap compared with a second parse: most bodies have no duplicates, and then this is all that is spent on them. */
function countKeysInText(text: string): number {
  let count = 0;
  let index = text.indexOf('"');
  while (index >= 0) {
    let end = text.indexOf('"', index + 1);
    while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
    let next = end + 1;
    while (isSpace(text.charCodeAt(next))) next++;
    if (text.charCodeAt(next) === 58 /* : */) count++;
    index = text.indexOf('"', next);
  }
  return count;
}

function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(quote - 1 - backslashes) === 92) backslashes++;
  return backslashes % 2 === 1;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

/** Walks a valid text and reports `duplicate field "data.a"` as sigs.k8s.io/json does. */
function findDuplicates(text: string): string[] {
  const found: string[] = [];
  let position = 0;

  const space = (): void => {
    while (isSpace(text.charCodeAt(position))) position++;
  };
  const string = (): string => {
    let end = text.indexOf('"', position + 1);
    while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
    const literal = text.slice(position, end + 1);
    position = end + 1;
    return JSON.parse(literal) as string;
  };
  const value = (path: string): void => {
    space();
    const first = text[position];
    if (first === '"') string();
    else if (first === '{') object(path);
    else if (first === '[') list(path);
    else while (position < text.length && !/[\s,\]}]/.test(text.charAt(position))) position++;
    space();
  };
  const object = (path: string): void => {
    const seen = new Set<string>();
    for (position++, space(); text[position] !== '}'; space()) {
      if (text[position] === ',') position++;
      space();
      const key = string();
      const keyPath = path === '' ? key : `${path}.${key}`;
      if (seen.has(key) && found.length < maximumDuplicates) found.push(`duplicate field ${goQuote(keyPath)}`);
      seen.add(key);
      space();
      position++;
      value(keyPath);
    }
    position++;
  };
  const list = (path: string): void => {
    position++;
    space();
    for (let index = 0; text[position] !== ']'; index++) {
      if (text[position] === ',') position++;
      value(`${path}[${index}]`);
    }
    position++;
  };

  value('');
  return [...new Set(found)];
}

/** Finds what Go would have said about the text. */
function describeSyntaxError(text: string, cause: unknown): JsonSyntaxError {
  try {
    new GoScanner(text).document();
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error;
    throw error;
  }
  return new JsonSyntaxError(cause instanceof Error ? cause.message : String(cause));
}

/** The grammar of JSON with Go's complaints. */
class GoScanner {
  private position = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  document(): void {
    this.value();
    this.space();
    if (this.position < this.text.length) this.fail('after top-level value');
  }

  private space(): void {
    while (isSpace(this.text.charCodeAt(this.position))) this.position++;
  }

  private fail(context: string): never {
    if (this.position >= this.text.length) throw new JsonSyntaxError('unexpected end of JSON input');
    const character = String.fromCodePoint(this.text.codePointAt(this.position) ?? 0);
    const quoted = character === "'" ? `'\\''` : character === '"' ? `'"'` : `'${goQuote(character).slice(1, -1)}'`;
    throw new JsonSyntaxError(`invalid character ${quoted} ${context}`);
  }

  private value(): void {
    this.space();
    const first = this.text[this.position] ?? '';
    if (first === '{') return this.nested(() => this.object());
    if (first === '[') return this.nested(() => this.list());
    if (first === '"') return this.string();
    if (first === 't') return this.literal('true');
    if (first === 'f') return this.literal('false');
    if (first === 'n') return this.literal('null');
    if (/[-0-9]/.test(first)) return this.number();
    this.fail('looking for beginning of value');
  }

  private nested(parse: () => void): void {
    this.depth++;
    if (this.depth > maximumDepth || this.depth > safeDepth) throw new JsonSyntaxError('exceeded max depth');
    this.position++;
    this.space();
    parse();
    this.depth--;
  }

  private object(): void {
    if (this.accept('}')) return;
    for (;;) {
      if (this.text[this.position] !== '"') this.fail('looking for beginning of object key string');
      this.string();
      this.space();
      if (!this.accept(':')) this.fail('after object key');
      this.value();
      this.space();
      if (this.accept('}')) return;
      if (!this.accept(',')) this.fail('after object key:value pair');
      this.space();
    }
  }

  private list(): void {
    if (this.accept(']')) return;
    for (;;) {
      this.value();
      this.space();
      if (this.accept(']')) return;
      if (!this.accept(',')) this.fail('after array element');
    }
  }

  private accept(character: string): boolean {
    if (this.text[this.position] !== character) return false;
    this.position++;
    return true;
  }

  private string(): void {
    for (this.position++; this.text[this.position] !== '"'; this.position++) {
      if (this.position >= this.text.length || this.text.charCodeAt(this.position) < 0x20)
        this.fail('in string literal');
      if (this.text[this.position] === '\\') this.escape();
    }
    this.position++;
  }

  private escape(): void {
    this.position++;
    if (this.text[this.position] === 'u') {
      for (let count = 0; count < 4; count++) {
        this.position++;
        if (!/[0-9a-fA-F]/.test(this.text[this.position] ?? '')) this.fail('in \\u hexadecimal character escape');
      }
    } else if (!'"\\/bfnrt'.includes(this.text[this.position] ?? ' ')) this.fail('in string escape code');
  }

  private literal(word: string): void {
    for (const character of word) {
      if (!this.accept(character)) this.fail(`in literal ${word} (expecting '${character}')`);
    }
  }

  private number(): void {
    this.accept('-');
    if (!this.accept('0') && !this.digits()) this.fail('in numeric literal');
    if (this.accept('.') && !this.digits()) this.fail('after decimal point in numeric literal');
    if (this.accept('e') || this.accept('E')) {
      if (!this.accept('+')) this.accept('-');
      if (!this.digits()) this.fail('in exponent of numeric literal');
    }
  }

  private digits(): boolean {
    const start = this.position;
    while (/[0-9]/.test(this.text[this.position] ?? '')) this.position++;
    return this.position > start;
  }
}
