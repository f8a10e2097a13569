/**
 * Who holds which connection. Places are few; when all are taken, whoever holds the most gives up the one that has been silent longest,
 * so that one client with many connections pushes out its own, not those of others.
 */
export class ConnectionTable<T> {
  /** Source by connection, the one that was active last at the end. */
  private readonly sources = new Map<T, string>();

  constructor(private readonly places: number) {}

  /** Adds a connection. @returns the one that has to go for it, already removed */
  add(connection: T, source: string): T | undefined {
    const victim = this.sources.size < this.places ? undefined : this.victim();
    if (victim !== undefined) this.sources.delete(victim);
    this.sources.set(connection, source);
    return victim;
  }

  /** The connection has done something useful. */
  touch(connection: T): void {
    const source = this.sources.get(connection);
    if (source === undefined) return;
    this.sources.delete(connection);
    this.sources.set(connection, source);
  }

  delete(connection: T): void {
    this.sources.delete(connection);
  }

  all(): T[] {
    return [...this.sources.keys()];
  }

  private victim(): T | undefined {
    const counts = new Map<string, number>();
    for (const source of this.sources.values()) counts.set(source, (counts.get(source) ?? 0) + 1);
    const most = Math.max(...counts.values());
    for (const [connection, source] of this.sources) if (counts.get(source) === most) return connection;
    return undefined;
  }
}
