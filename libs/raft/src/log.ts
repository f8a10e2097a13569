import { type Entry, type SnapshotMetadata } from './entry';
import { type RaftStorage } from './storage';
import { Unstable } from './unstable';

/** The log as this member sees it: what its storage has, and over it what is not durable yet. */
export class RaftLog {
  /** What the storage lacks, or has wrongly. */
  readonly unstable: Unstable;
  /** Everything up to here is on a majority and will never change. Grows only; saved lazily, since a leader tells it again. */
  commit: number;
  /** Everything up to here is in the state machine. Grows at `advance()`, and never beyond `commit`. */
  applied: number;

  /** @throws Error if the storage contradicts itself or the state machine */
  constructor(
    private readonly storage: RaftStorage,
    commit: number,
    applied: number,
  ) {
    const [first, last] = [storage.firstIndex(), storage.lastIndex()];
    if (applied < first - 1) throw new Error(`the log begins at ${first}, the state machine ended at ${applied}`);
    // What was applied was committed, even if only the state machine remembers it.
    this.commit = Math.max(commit, applied);
    if (this.commit > last) throw new Error(`the log ends at ${last}, before the committed index ${this.commit}`);
    this.applied = applied;
    this.unstable = new Unstable(last + 1);
  }

  firstIndex(): number {
    return this.unstable.snapshot === undefined ? this.storage.firstIndex() : this.unstable.snapshot.index + 1;
  }

  lastIndex(): number {
    return this.unstable.lastIndex();
  }

  /** The last index that would survive a crash. */
  stableIndex(): number {
    return this.unstable.offset - 1;
  }

  /** 0 for the place before the first entry ever; undefined for what was compacted and what is not there yet. */
  term(index: number): number | undefined {
    if (index >= this.unstable.offset) return this.unstable.term(index);
    const { snapshot } = this.unstable;
    if (snapshot !== undefined) return index === snapshot.index ? snapshot.term : undefined;
    return this.storage.term(index);
  }

  lastTerm(): number {
    return this.term(this.lastIndex()) ?? 0;
  }

  /** Whether a log that ends like this has at least what this one has (section 5.4.1): the last term decides, then the length. */
  isUpToDate(index: number, term: number): boolean {
    const lastTerm = this.lastTerm();
    return term > lastTerm || (term === lastTerm && index >= this.lastIndex());
  }

  /** `[from, to)`, at least one, then as many as fit into `maxBytes`. The caller has seen that `from` is in the log. */
  entries(from: number, to: number, maxBytes: number): readonly Entry[] {
    const { offset } = this.unstable;
    if (from >= to) return [];
    if (from >= offset) return this.unstable.slice(from, to, maxBytes);
    const stable = this.storage.entries(from, Math.min(to, offset), maxBytes);
    if (to <= offset || stable.length < offset - from) return stable;
    const room = maxBytes - bytesOf(stable);
    const next = this.unstable.slice(offset, to, room);
    const [first] = next;
    return first === undefined || first.data.length > room ? stable : [...stable, ...next];
  }

  /** For the leader, whose log only grows. */
  append(entries: readonly Entry[]): void {
    this.unstable.append(entries);
  }

  /**
   * The follower's half of log matching (section 5.3): takes `entries` in if the log has `index` at `logTerm`, and drops what contradicts
   * them. @returns the last index that now matches; undefined if nothing was taken
   */
  maybeAppend(index: number, logTerm: number, entries: readonly Entry[]): number | undefined {
    if (this.term(index) !== logTerm) return undefined;
    const conflict = entries.findIndex((entry) => this.term(entry.index) !== entry.term);
    if (conflict >= 0) this.append(conflict === 0 ? entries : entries.slice(conflict));
    return index + entries.length;
  }

  commitTo(index: number): void {
    if (index > this.commit) this.commit = Math.min(index, this.lastIndex());
  }

  /**
   * The last place at or before `index` whose term is at most `term`: nothing between it and `index` can be in a log that has `term` at
   * `index`. Lets probing go back a term, not an entry, at a time.
   */
  lastPlaceAtMost(index: number, term: number): { readonly index: number; readonly term: number } {
    for (let at = Math.min(index, this.lastIndex()); at > 0; at--) {
      const own = this.term(at);
      if (own === undefined) return { index: at, term: 0 };
      if (own <= term) return { index: at, term: own };
    }
    return { index: 0, term: 0 };
  }

  hasCommittedEntries(): boolean {
    return this.unstable.snapshot === undefined && this.applied < this.commit;
  }

  /** To be applied next. None while a snapshot is on its way into the state machine. */
  committedEntries(maxBytes: number): readonly Entry[] {
    return this.hasCommittedEntries() ? this.entries(this.applied + 1, this.commit + 1, maxBytes) : [];
  }

  /** Whether a membership change is committed that this member has not applied: it may not know who votes. */
  hasUnappliedConfChange(pageBytes: number): boolean {
    for (let from = Math.max(this.applied + 1, this.firstIndex()); from <= this.commit;) {
      const page = this.entries(from, this.commit + 1, pageBytes);
      if (page.some(({ type }) => type === 'conf-change')) return true;
      if (page.length === 0) return false;
      from += page.length;
    }
    return false;
  }

  restore(snapshot: SnapshotMetadata): void {
    this.unstable.restore(snapshot);
    this.commit = snapshot.index;
  }

  /** @throws Error if the storage does not have it: the caller has forgotten to write, or to extend what the storage shows */
  persisted(last: Entry): void {
    const has = this.storage.lastIndex();
    if (has < last.index) throw new Error(`entries up to ${last.index} were to be stored, the storage ends at ${has}`);
    this.unstable.persisted(last.index, last.term);
  }
}

export function bytesOf(entries: readonly { readonly data: Buffer }[]): number {
  let bytes = 0;
  for (const { data } of entries) bytes += data.length;
  return bytes;
}
