import { aggregate, field, type FieldError, formatFieldError } from './field-errors';
import { type FieldPath } from './field-path';
import { isQualifiedName, isValidLabelValue } from './names';

/** As `selection.Operator` prints them. */
export type LabelOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'exists' | '!' | 'gt' | 'lt';

/** One condition on a set of labels. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted. */
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** A text that is no selector. The message is upstream's and goes to the client as a 400. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

const cardinality: Readonly<Record<LabelOperator, { fits: (count: number) => boolean; text: string }>> = (() => {
  const some = { fits: (n: number) => n > 0, text: "for 'in', 'notin' operators, values set can't be empty" };
  const one = { fits: (n: number) => n === 1, text: 'exact-match compatibility requires one single value' };
  const none = { fits: (n: number) => n === 0, text: 'values set must be empty for exists and does not exist' };
  const integer = { fits: (n: number) => n === 1, text: "for 'Gt', 'Lt' operators, exactly one value is required" };
  return { in: some, notin: some, '=': one, '==': one, '!=': one, exists: none, '!': none, gt: integer, lt: integer };
})();

const integerPattern = /^-?\d+$/;

/** Builds a requirement. Throws `SelectorError` listing everything that is wrong with it. */
export function labelRequirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const errors: FieldError[] = validateKey(key, 'key');
  if (!cardinality[operator].fits(values.length))
    errors.push(field.invalid('values', values, cardinality[operator].text));
  values.forEach((value, index) => {
    if ((operator === 'gt' || operator === 'lt') && !integerPattern.test(value)) {
      errors.push(field.invalid(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer"));
    }
  });
  values.forEach((value, index) => {
    const texts = isValidLabelValue(value);
    if (texts.length > 0) errors.push(field.invalid(`values[${index}][${key}]`, value, texts.join('; ')));
  });
  if (errors.length > 0) throw new SelectorError(aggregate(errors.map(formatFieldError)));
  return { key, operator, values: [...values].sort() };
}

/** At most one error; the parser knows no path and prints it as Go prints a nil. */
export function validateKey(key: string, path: FieldPath | string = '<nil>'): FieldError[] {
  const texts = isQualifiedName(key);
  return texts.length === 0 ? [] : [field.invalid(path, key, texts.join('; '))];
}

/** A label that is absent satisfies `!=`, `notin` and `!`. */
export function requirementMatches({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
    case '=':
    case '==':
      return value !== undefined && values.includes(value);
    case 'notin':
    case '!=':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      if (value === undefined || !integerPattern.test(value)) return false;
      const [actual, bound] = [BigInt(value), BigInt(values[0] ?? '0')];
      return operator === 'gt' ? actual > bound : actual < bound;
    }
  }
}

/** As a `labelSelector` parameter writes it. */
export function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`;
    case 'gt':
      return `${key}>${values[0] ?? ''}`;
    case 'lt':
      return `${key}<${values[0] ?? ''}`;
    default:
      return `${key}${operator}${values[0] ?? ''}`;
  }
}
