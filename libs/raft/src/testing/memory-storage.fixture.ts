import { type ConfState, type Entry, type HardState, type SnapshotMetadata } from '../entry';
import { bytesOf } from '../log';
import { type Ready } from '../ready';
import { type RaftStorage } from '../storage';

export const NOBODY: ConfState = { voters: [], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };

export function votersOnly(...voters: readonly bigint[]): ConfState {
  return { ...NOBODY, voters };
}

/** A storage that remembers what it is told, and can be copied as a disk can. */
export class MemoryStorage implements RaftStorage {
  hardState: HardState = { term: 0, vote: 0n, commit: 0 };
  /** As of what the state machine has applied. */
  confState: ConfState = NOBODY;
  /** Whether `snapshot()` gives none for now. */
  isBusy = false;
  /** What `snapshot()` gives. */
  latest: SnapshotMetadata | undefined;
  /** The place before the first entry. */
  private before = { index: 0, term: 0 };
  private log: Entry[] = [];

  /** A cluster that begins together begins with a snapshot, so that whoever joins later has to be sent one. */
  static of(confState: ConfState): MemoryStorage {
    const storage = new MemoryStorage();
    storage.install({ index: 1, term: 1, confState });
    storage.hardState = { term: 1, vote: 0n, commit: 1 };
    return storage;
  }

  copy(): MemoryStorage {
    const copy = new MemoryStorage();
    Object.assign(copy, this);
    copy.log = this.log.slice();
    return copy;
  }

  initialState(): { hardState: HardState; confState: ConfState } {
    return { hardState: this.hardState, confState: this.confState };
  }

  firstIndex(): number {
    return this.before.index + 1;
  }

  lastIndex(): number {
    return this.before.index + this.log.length;
  }

  term(index: number): number | undefined {
    return index === this.before.index ? this.before.term : this.entry(index)?.term;
  }

  entry(index: number): Entry | undefined {
    return this.log[index - this.firstIndex()];
  }

  entries(from: number, to: number, maxBytes: number): readonly Entry[] {
    if (from < this.firstIndex() || to > this.lastIndex() + 1) throw new Error(`no entries [${from}, ${to})`);
    const all = this.log.slice(from - this.firstIndex(), to - this.firstIndex());
    let count = 1;
    while (count < all.length && bytesOf(all.slice(0, count + 1)) <= maxBytes) count++;
    return all.slice(0, count);
  }

  snapshot(): SnapshotMetadata | undefined {
    return this.isBusy ? undefined : this.latest;
  }

  persist(ready: Pick<Ready, 'snapshot' | 'entries' | 'hardState'>): void {
    if (ready.snapshot !== undefined) this.install(ready.snapshot);
    const [first] = ready.entries;
    if (first !== undefined) {
      if (first.index > this.lastIndex() + 1) throw new Error(`a gap before ${first.index}`);
      this.log.length = first.index - this.firstIndex();
      this.log.push(...ready.entries);
    }
    this.hardState = ready.hardState ?? this.hardState;
  }

  /** Forgets the entries up to `index`. */
  compact(index: number): void {
    const term = this.term(index);
    if (term === undefined) throw new Error(`nothing to compact at ${index}`);
    this.log.splice(0, index - this.before.index);
    this.before = { index, term };
  }

  private install(snapshot: SnapshotMetadata): void {
    this.log = [];
    this.before = { index: snapshot.index, term: snapshot.term };
    this.confState = snapshot.confState;
    this.latest = snapshot;
  }
}
