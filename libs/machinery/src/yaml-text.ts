import { Composer, type Document, Lexer, LineCounter, Parser, type Tags, type YAMLError } from 'yaml';
import { goQuote } from './go-text';
import { type ParsedText } from './json-text';
import { type JsonValue } from './objects';

/** A text that is no YAML. The message begins with `yaml: `, as upstream's does. */
export class YamlSyntaxError extends Error {
  override readonly name = 'YamlSyntaxError';
}

/**
 * Go's limit is 10,000. Here the stack ends sooner, and V8 ends the process when it has to compile a regular expression
 * near that end. No object of the API comes near it.
 */
const safeDepth = 500;

/** Upstream's YAML is 1.1 without the types that JSON lacks: what looks like a date or a time stays a string. */
const withoutTypes = /timestamp|binary|omap|pairs|set$/;

function restrictTags(tags: Tags): Tags {
  return tags.filter((tag) => {
    if (typeof tag === 'string') return !withoutTypes.test(tag) && !/Time$/.test(tag);
    return !withoutTypes.test(tag.tag) && !('format' in tag && tag.format === 'TIME');
  });
}

/** libyaml's words for the parser's complaints, as far as they correspond. */
const errorTexts: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  BAD_INDENT: 'did not find expected key',
  BLOCK_AS_IMPLICIT_KEY: 'mapping values are not allowed in this context',
  MISSING_CHAR: "did not find expected ',' or ']'",
  TAB_AS_INDENT: 'found character that cannot start any token',
  UNEXPECTED_TOKEN: 'did not find expected node content',
};

/**
 * Parses the first document of a YAML text (JSON is YAML too). Keys become strings. Throws `YamlSyntaxError`; aliases
 * that would expand without bound are an error.
 */
export function parseYaml(text: string): ParsedText {
  const lines = new LineCounter();
  const document = compose(firstDocument(text), lines);
  const duplicates: string[] = [];
  for (const error of document.errors) {
    const { line } = lines.linePos(error.pos[0]);
    if (error.code !== 'DUPLICATE_KEY') throw syntaxError(text, line, error);
    duplicates.push(`line ${line}: key ${goQuote(keyAt(text, error.pos[0]))} already set in map`);
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: 1000 });
    return { value: (value ?? null) as JsonValue, duplicates };
  } catch (error) {
    throw aliasError(error);
  }
}

function compose(text: string, lines: LineCounter): Document {
  const composer = new Composer({
    version: '1.1',
    merge: true,
    customTags: restrictTags,
    stringKeys: false,
    strict: true,
    logLevel: 'error',
  });
  const [document] = composer.compose(boundedTokens(text, lines), true, text.length);
  // With `forceDoc` there is one, even of an empty text.
  return document!;
}

/** The parser's tokens, as long as they are not nested so deeply that those who walk them could exhaust the stack. */
function* boundedTokens(text: string, lines: LineCounter): ReturnType<Parser['parse']> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > safeDepth) {
      throw new YamlSyntaxError(`yaml: line ${lines.lineStarts.length}: exceeded max depth of ${safeDepth}`);
    }
  }
  yield* parser.end();
}

/** Everything before a second `---`: request bodies hold one object. */
function firstDocument(text: string): string {
  const separator = /\n---(?=[ \t]*(?:#.*)?\n)/.exec(
    text.replace(/^---[^\n]*\n/, (line) => ' '.repeat(line.length - 1) + '\n'),
  );
  return separator === null ? text : text.slice(0, separator.index + 1);
}

function keyAt(text: string, position: number): string {
  const line = text.slice(position).split('\n', 1)[0] ?? '';
  const quoted = /^(["'])(.*?)\1\s*:/.exec(line);
  return quoted?.[2] ?? (/^(.*?)\s*:(?:\s|$)/.exec(line)?.[1] ?? line).trim();
}

/** Aliases are followed only when the value is made. */
function aliasError(error: unknown): YamlSyntaxError {
  const message = error instanceof Error ? error.message : String(error);
  const unknown = /^Unresolved alias .*: (.*)$/.exec(message)?.[1];
  if (unknown !== undefined) return new YamlSyntaxError(`yaml: unknown anchor '${unknown}' referenced`);
  if (message.startsWith('Excessive alias count')) {
    return new YamlSyntaxError('yaml: document contains excessive aliasing');
  }
  return new YamlSyntaxError(`yaml: ${message}`);
}

function syntaxError(text: string, line: number, error: YAMLError): YamlSyntaxError {
  // An unclosed flow collection ends where the text ends; libyaml reports the line that it began to look on.
  const unclosed = error.pos[0] >= text.trimEnd().length;
  const words = unclosed
    ? 'did not find expected node content'
    : (errorTexts[error.code] ?? error.message.split('\n', 1)[0]);
  return new YamlSyntaxError(`yaml: line ${line}: ${words}`);
}
