import { type ConfState, type Entry, type HardState, type RaftStorage, type SnapshotMetadata } from '#raft';

/** What an entry is taken to cost besides its data. */
const ENTRY_BYTES = 256;

export interface LogStart {
  /** The entry before the first one held; 0 and 0 at the beginning of all. */
  readonly index: number;
  readonly term: number;
}

/**
 * The end of the log, in memory, as Raft reads it: what has not been applied yet, and some of what has, for followers that
 * are a little behind. Those that are further behind get a snapshot.
 */
export class LogWindow implements RaftStorage {
  private held: Entry[] = [];
  private bytes = 0;
  private hardState: HardState = { term: 0, vote: 0n, commit: 0 };

  /**
   * @param confState in force at what has been applied
   * @param picture names the state that a follower could be sent now
   */
  constructor(
    private start: LogStart,
    private readonly confState: () => ConfState,
    private readonly picture: () => SnapshotMetadata | undefined,
  ) {}

  initialState(): { hardState: HardState; confState: ConfState } {
    return { hardState: this.hardState, confState: this.confState() };
  }

  firstIndex(): number {
    return this.start.index + 1;
  }

  lastIndex(): number {
    return this.start.index + this.held.length;
  }

  term(index: number): number | undefined {
    return index === this.start.index ? this.start.term : this.held[index - this.start.index - 1]?.term;
  }

  entries(from: number, to: number, maxBytes: number): readonly Entry[] {
    const begin = from - this.start.index - 1;
    const most = Math.min(to, this.lastIndex() + 1) - this.start.index - 1;
    let end = begin + 1;
    let bytes = this.held[begin]?.data.length ?? 0;
    while (end < most && (bytes += this.held[end]!.data.length) <= maxBytes) end++;
    return this.held.slice(begin, end);
  }

  snapshot(): SnapshotMetadata | undefined {
    return this.picture();
  }

  /** They have been made durable; they replace what is held from the first one's index on. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const kept = first.index - this.start.index - 1;
    if (kept < 0 || kept > this.held.length) throw new Error(`entry ${first.index} after ${this.lastIndex()}`);
    if (kept < this.held.length) {
      for (const { data } of this.held.slice(kept)) this.bytes -= data.length + ENTRY_BYTES;
      this.held.length = kept;
    }
    for (const entry of entries) {
      this.held.push(entry);
      this.bytes += entry.data.length + ENTRY_BYTES;
    }
  }

  setHardState(hardState: HardState): void {
    this.hardState = hardState;
  }

  /** A snapshot has taken the place of everything. */
  reset(start: LogStart): void {
    this.start = { index: start.index, term: start.term };
    this.held = [];
    this.bytes = 0;
  }

  /** Lets go of the oldest entries up to `applied` until no more than about `maxBytes` are held. */
  trim(applied: number, maxBytes: number): void {
    if (this.bytes <= maxBytes) return;
    let count = 0;
    const most = applied - this.start.index;
    while (count < most && this.bytes > maxBytes) this.bytes -= this.held[count++]!.data.length + ENTRY_BYTES;
    if (count === 0) return;
    const { index, term } = this.held[count - 1]!;
    this.held = this.held.slice(count);
    this.start = { index, term };
  }
}
