import { type DeepReadonly, type KubernetesObject, parseFieldSelector } from '#machinery';

/** Whether an object has the fields that a selector asks for, found by path (`spec.nodeName`); what is absent is ''. */
export function fieldFilter(selector: string): (object: DeepReadonly<KubernetesObject>) => boolean {
  const terms = parseFieldSelector(selector).map(({ field, negated, value }) => ({
    path: field.split('.'),
    negated,
    value,
  }));
  return (object) => terms.every(({ path, negated, value }) => (fieldText(object, path) === value) !== negated);
}

function fieldText(object: unknown, path: readonly string[]): string {
  let found = object;
  for (const step of path)
    found = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[step] : '';
  return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean' ? String(found) : '';
}
