import { type Entry, type SnapshotMetadata } from './entry';

/** The end of the log that is not durable yet. It hides whatever the storage has from `offset` on. */
export class Unstable {
  /** Received, not yet installed. All before `offset` is in it. */
  snapshot: SnapshotMetadata | undefined;
  private entries: Entry[] = [];

  /** `offset`: index of the first entry that is not durable. Falls when a new leader overwrites durable entries. */
  constructor(public offset: number) {}

  lastIndex(): number {
    return this.offset + this.entries.length - 1;
  }

  term(index: number): number | undefined {
    return this.entries[index - this.offset]?.term;
  }

  isEmpty(): boolean {
    return this.entries.length === 0;
  }

  /** A copy: what is handed out does not change when the log does. */
  all(): readonly Entry[] {
    return this.entries.slice();
  }

  /** `[from, to)`, at least one, then as many as fit into `maxBytes`. */
  slice(from: number, to: number, maxBytes: number): readonly Entry[] {
    const begin = from - this.offset;
    const end = Math.min(to - this.offset, this.entries.length);
    let bytes = 0;
    for (let at = begin; at < end; at++) {
      bytes += this.entries[at]?.data.length ?? 0;
      if (bytes > maxBytes && at > begin) return this.entries.slice(begin, at);
    }
    return this.entries.slice(begin, end);
  }

  /** Takes the place of everything from the first one's index on. */
  append(entries: readonly Entry[]): void {
    const [first] = entries;
    if (first === undefined) return;
    if (first.index <= this.offset) {
      this.offset = first.index;
      this.entries = [];
    } else {
      this.entries.length = first.index - this.offset;
    }
    for (const entry of entries) this.entries.push(entry);
  }

  /**
   * `index` at `term` is durable, and with it all before. Ignored if another entry has taken its place meanwhile; if its term is the same,
   * so is it, and so is all before it (log matching).
   */
  persisted(index: number, term: number): void {
    if (this.term(index) !== term) return;
    this.entries = this.entries.slice(index - this.offset + 1);
    this.offset = index + 1;
  }

  restore(snapshot: SnapshotMetadata): void {
    this.snapshot = snapshot;
    this.offset = snapshot.index + 1;
    this.entries = [];
  }

  /** Ignored if a later one has come meanwhile. */
  installed(snapshot: SnapshotMetadata): void {
    if (this.snapshot === snapshot) this.snapshot = undefined;
  }
}
