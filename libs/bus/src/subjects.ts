/** True when a subject matches a pattern of tokens, `*` (one token) and a trailing `>` (one or more), as in NATS. */
export function subjectMatches(pattern: string, subject: string): boolean {
  if (!hasWildcard(pattern)) return pattern === subject;
  // By far the most frequent kind, `nestor.api.>`.
  if (pattern.endsWith('.>') && !pattern.includes('*')) {
    return subject.length >= pattern.length && subject.startsWith(pattern.slice(0, -1));
  }
  const wanted = pattern.split('.');
  const tokens = subject.split('.');
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return tokens.length > index;
    if (index >= tokens.length || (token !== '*' && token !== tokens[index])) return false;
  }
  return wanted.length === tokens.length;
}

export function hasWildcard(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('>');
}

/** Subscriptions by pattern: exact subjects are looked up, patterns are tried in turn. */
export class SubjectTable<T> {
  private readonly exact = new Map<string, Set<T>>();
  private readonly wildcards = new Map<string, Set<T>>();

  /** Returns a function that removes the value. */
  add(pattern: string, value: T): () => void {
    const table = hasWildcard(pattern) ? this.wildcards : this.exact;
    const values = table.get(pattern) ?? new Set<T>();
    table.set(pattern, values.add(value));
    return () => {
      values.delete(value);
      if (values.size === 0 && table.get(pattern) === values) table.delete(pattern);
    };
  }

  find(subject: string): T[] {
    const found = [...(this.exact.get(subject) ?? [])];
    for (const [pattern, values] of this.wildcards) if (subjectMatches(pattern, subject)) found.push(...values);
    return found;
  }

  all(): T[] {
    return [...this.exact.values(), ...this.wildcards.values()].flatMap((values) => [...values]);
  }
}
