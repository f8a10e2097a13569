import { decodeValue } from './decode';
import { badRequest } from './errors';
import { goJsonKind } from './go-types';
import { goQuote } from './go-text';
import { JsonSyntaxError, parseJson, type ParsedText } from './json-text';
import { type GroupVersionKind, kindOf } from './kinds';
import { type JsonValue, type KubernetesObject } from './objects';
import { DecodeError } from './scalars';
import { type StructSchema } from './schema';
import { type ApiError } from './status';
import { parseYaml, YamlSyntaxError } from './yaml-text';

/** What to do about unknown and duplicate fields. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface BodyOptions {
  readonly format: 'json' | 'yaml';
  /** The kind that the path stands for; a body without kind or apiVersion is taken to be one. */
  readonly expected: GroupVersionKind;
  /** The schema of the kind that the body says it is, or undefined when the server knows no such kind. */
  readonly schemaOf: (kind: GroupVersionKind) => StructSchema | undefined;
  readonly fieldValidation: FieldValidation;
  /** Custom resources are not guessed: a body without `kind` is an error. */
  readonly requireKind?: boolean;
}

export interface DecodedBody {
  /** Always has `apiVersion` and `kind`. Whether the kind is the expected one is for the caller to check. */
  readonly object: KubernetesObject & Record<string, unknown>;
  readonly kind: GroupVersionKind;
  /** Texts for `Warning: 299` headers. */
  readonly warnings: readonly string[];
}

const typeMetaText =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** Decodes the body of a create, an update or a delete. Throws a 400 with upstream's text. */
export function decodeBody(text: string, options: BodyOptions): DecodedBody {
  const { expected, fieldValidation } = options;
  let kind: GroupVersionKind | undefined;
  try {
    const parsed = parseText(text, options.format);
    kind = interpretKind(parsed.value, options, text);
    const schema = options.schemaOf(kind);
    if (schema === undefined) throw new DecodeError(unregistered(kind));
    // Go leaves a struct as it is when it decodes null into it.
    const decoded = decodeValue(parsed.value ?? {}, schema);
    const strictErrors = fieldValidation === 'Ignore' ? [] : [...parsed.duplicates, ...decoded.strictErrors];
    if (fieldValidation === 'Strict' && strictErrors.length > 0) throw new DecodeError(strictText(strictErrors));
    const object = decoded.value as KubernetesObject & Record<string, unknown>;
    object.apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
    object.kind = kind.kind;
    return { object, kind, warnings: strictErrors };
  } catch (error) {
    if (error instanceof DecodeError || error instanceof JsonSyntaxError || error instanceof YamlSyntaxError) {
      throw decodingFailed(error.message, text, kind, expected);
    }
    throw error;
  }
}

/** Parses a body; a JSON syntax error is prefixed as upstream prefixes it. */
export function parseText(text: string, format: 'json' | 'yaml'): ParsedText {
  if (format === 'yaml') return parseYaml(text);
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError)
      throw new DecodeError(`couldn't get version/kind; json parse error: ${error.message}`);
    throw error;
  }
}

/** `strict decoding error: a, b`; YAML's duplicates come in its library's form. */
export function strictText(errors: readonly string[]): string {
  const [yaml, others] = [
    errors.filter((text) => text.startsWith('line ')),
    errors.filter((text) => !text.startsWith('line ')),
  ];
  const parts = yaml.length === 0 ? others : [`yaml: unmarshal errors:\n  ${yaml.join('\n  ')}`, ...others];
  return `strict decoding error: ${parts.join(', ')}`;
}

/** What upstream's scheme says about a kind that it does not have. */
export function unregistered({ group, version, kind }: GroupVersionKind): string {
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return `no kind ${goQuote(kind)} is registered for version ${goQuote(apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`;
}

function interpretKind(value: JsonValue, { expected, requireKind }: BodyOptions, text: string): GroupVersionKind {
  const problem = `couldn't get version/kind; json parse error: json: cannot unmarshal`;
  if (value === null) return expected;
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new DecodeError(`${problem} ${goJsonKind(value)} into Go value of type ${typeMetaText}`);
  }
  for (const name of ['apiVersion', 'kind'] as const) {
    const given = value[name] ?? '';
    if (typeof given !== 'string') {
      throw new DecodeError(`${problem} ${goJsonKind(given)} into Go struct field .${name} of type string`);
    }
  }
  const stated = kindOf(value);
  if (requireKind === true && stated.kind === '') throw new DecodeError(`Object 'Kind' is missing in '${text}'`);
  return {
    kind: stated.kind === '' ? expected.kind : stated.kind,
    ...(stated.version === ''
      ? { group: expected.group, version: expected.version }
      : { group: stated.group, version: stated.version }),
  };
}

/** Upstream's `transformDecodeError`: it names the kind when it got as far as knowing it. */
export function decodingFailed(
  message: string,
  text: string,
  kind: GroupVersionKind | undefined,
  expected: GroupVersionKind,
): ApiError {
  if (kind !== undefined) {
    return badRequest(
      `${kind.kind} in version ${goQuote(kind.version)} cannot be handled as a ${expected.kind}: ${message}`,
    );
  }
  return badRequest(
    `the object provided is unrecognized (must be of type ${expected.kind}): ${message} (${summary(text)})`,
  );
}

const summaryLength = 30;

/** Enough of the body to recognise it: text when it looks like JSON, hexadecimal otherwise. */
function summary(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length === 0) return '<empty>';
  const head = bytes.subarray(0, summaryLength);
  const shown = text.startsWith('{') ? head.toString() : head.toString('hex');
  return bytes.length > summaryLength ? `${shown} ...` : shown;
}
