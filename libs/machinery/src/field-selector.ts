import { SelectorError } from './label-requirement';

/** `metadata.name=a` or `status.phase!=Running`. */
export interface FieldRequirement {
  readonly field: string;
  readonly negated: boolean;
  readonly value: string;
}

/**
 * Reads a `fieldSelector` parameter into requirements that must all hold, sorted as upstream sorts them. Which fields a
 * resource knows is for the caller to check. Throws `SelectorError` with upstream's text.
 */
export function parseFieldSelector(text: string): FieldRequirement[] {
  return splitTerms(text)
    .sort()
    .filter((term) => term !== '')
    .map((term) => {
      const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
      if (match === null) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
      const [, field = '', operator = '', value = ''] = match;
      return { field, negated: operator === '!=', value: unescapeValue(value) };
    });
}

/** Commas separate terms, unless a backslash stands before them. */
function splitTerms(text: string): string[] {
  return text === '' ? [] : (text.match(/(?:^|,)(?:\\.|[^,\\]|\\$)*/gs) ?? []).map((term) => term.replace(/^,/, ''));
}

function unescapeValue(value: string): string {
  return value.replace(/\\(.?)|[,=]/gsu, (match, escaped: string | undefined) => {
    if (escaped === undefined) {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${match.charCodeAt(0)}`);
    }
    if (escaped !== '' && '\\,='.includes(escaped)) return escaped;
    throw new SelectorError(`invalid field selector: invalid escape sequence: ${match}`);
  });
}

/** A value as `parseFieldSelector` reads it back. */
export function escapeFieldValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}

export function formatFieldSelector(requirements: readonly FieldRequirement[]): string {
  return requirements
    .map(({ field, negated, value }) => `${field}${negated ? '!=' : '='}${escapeFieldValue(value)}`)
    .join(',');
}

/** True when all requirements hold for the values that `valueOf` gives; a field that is absent has the value ''. */
export function fieldsMatch(requirements: readonly FieldRequirement[], valueOf: (field: string) => string): boolean {
  return requirements.every(({ field, negated, value }) => (valueOf(field) === value) !== negated);
}
