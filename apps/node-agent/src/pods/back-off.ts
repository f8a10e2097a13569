interface Entry {
  delayMs: number;
  updatedAt: number;
}

/**
 * Growing delays by key, as client-go's `flowcontrol.Backoff`: the first failure starts at `initialMs`, each further one doubles it up
 * to `maxMs`, and what has been quiet for twice `maxMs` starts anew. Times are wall-clock milliseconds, since they are compared with
 * the runtime's own.
 */
export class BackOff {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly initialMs: number,
    private readonly maxMs: number,
  ) {}

  /** The current delay of a key; 0 if it has not failed lately. */
  delayOf(key: string): number {
    return this.entries.get(key)?.delayMs ?? 0;
  }

  /** When something that failed at `since` may be tried again; undefined: now. */
  blockedUntil(key: string, since: number, now: number): number | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined || this.hasExpired(entry, since)) return undefined;
    const until = since + entry.delayMs;
    return now < until ? until : undefined;
  }

  /** The same, counted from the last `next`. */
  blockedUntilSinceUpdate(key: string, now: number): number | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined || this.hasExpired(entry, now)) return undefined;
    const until = entry.updatedAt + entry.delayMs;
    return now < until ? until : undefined;
  }

  /** It is tried again now, after a failure at `since`: the next delay is longer. */
  next(key: string, since: number, now: number): void {
    const entry = this.entries.get(key);
    if (entry === undefined || this.hasExpired(entry, since)) {
      this.entries.set(key, { delayMs: this.initialMs, updatedAt: now });
    } else {
      entry.delayMs = Math.min(entry.delayMs * 2, this.maxMs);
      entry.updatedAt = now;
    }
  }

  forget(prefix: string): void {
    for (const key of this.entries.keys()) if (key.startsWith(prefix)) this.entries.delete(key);
  }

  private hasExpired(entry: Entry, at: number): boolean {
    return at - entry.updatedAt > this.maxMs * 2;
  }
}

/** A duration as Go prints it in messages: `10s`, `1m20s`, `5m0s`. */
export function goDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = ms / 1000;
  const text = (value: number): string => String(Number(value.toFixed(3)));
  if (seconds < 60) return `${text(seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  const rest = `${minutes % 60}m${text(seconds % 60)}s`;
  return minutes < 60 ? rest : `${Math.floor(minutes / 60)}h${rest}`;
}
