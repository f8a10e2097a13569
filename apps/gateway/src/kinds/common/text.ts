import { type DeepReadonly, type LabelSelector } from '#machinery';

/** What a cell shows where there is nothing. */
export const NONE = '<none>';
export const UNSET = '<unset>';

/** `a=1,b=2`, by key. */
export function labelsText(labels: DeepReadonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(labels ?? {}).sort(([a], [b]) => compareText(a, b));
  return entries.length === 0 ? NONE : entries.map(([key, value]) => `${key}=${value}`).join(',');
}

/** A selector as `kubectl get -l` takes it, by key. */
export function selectorText(selector: DeepReadonly<LabelSelector> | undefined): string {
  if (selector === undefined) return NONE;
  const requirements = [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` })),
    ...(selector.matchExpressions ?? []).map(({ key = '', operator = '', values = [] }) => ({
      key,
      text: requirementText(key, operator, values),
    })),
  ].sort((a, b) => compareText(a.key, b.key));
  return requirements.length === 0 ? NONE : requirements.map(({ text }) => text).join(',');
}

function requirementText(key: string, operator: string, values: readonly string[]): string {
  switch (operator) {
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return `${key} ${operator.toLowerCase()} (${[...values].sort(compareText).join(',')})`;
  }
}

/** Go sorts strings by their bytes; for the names used here that is by code unit. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The first few of a list, and how many are left out. */
export function firstOf(items: readonly string[], maximum: number, separator = ','): string {
  const shown = items.slice(0, maximum).join(separator);
  return items.length > maximum ? `${shown} + ${items.length - maximum} more...` : shown;
}
