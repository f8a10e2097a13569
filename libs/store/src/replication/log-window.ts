import { type ConfState, type Entry, type HardState, type RaftStorage, type SnapshotMetadata } from '#raft';

/** What an entry is taken to cost besides its data. */
const ENTRY_BYTES = 256;
/** In the place of an entry that was let go of. */
const GONE: Entry = { term: 0, index: 0, type: 'normal', data: Buffer.alloc(0) };

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
  /** From `head` on. The places before it are cut off when they are half of all, so that an entry costs the same however many are held. */
  private held: Entry[] = [];
  private head = 0;
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
    return this.start.index + this.held.length - this.head;
  }

  term(index: number): number | undefined {
    if (index <= this.start.index) return index === this.start.index ? this.start.term : undefined;
    return this.held[this.placeOf(index)]?.term;
  }

  entries(from: number, to: number, maxBytes: number): readonly Entry[] {
    const begin = this.placeOf(from);
    const most = this.placeOf(Math.min(to, this.lastIndex() + 1));
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
    const kept = this.placeOf(first.index);
    if (kept < this.head || kept > this.held.length) throw new Error(`entry ${first.index} after ${this.lastIndex()}`);
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
    this.head = 0;
    this.bytes = 0;
  }

  /** Lets go of the oldest entries up to `applied` until no more than about `maxBytes` are held. */
  trim(applied: number, maxBytes: number): void {
    while (this.bytes > maxBytes && this.start.index < applied) {
      const { index, term, data } = this.held[this.head]!;
      this.held[this.head++] = GONE;
      this.bytes -= data.length + ENTRY_BYTES;
      this.start = { index, term };
    }
    if (this.head <= this.held.length / 2) return;
    this.held.splice(0, this.head);
    this.head = 0;
  }

  private placeOf(index: number): number {
    return this.head + index - this.start.index - 1;
  }
}
