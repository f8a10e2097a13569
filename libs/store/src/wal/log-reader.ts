import { type Entry, type HardState } from '#raft';
import { storeErrors } from '../errors';
import { type Frame } from '../frame';
import { readEntry, readHardState, readSnapshotMark, RecordType, type SnapshotMark } from './records';

/** Where something stands, for who looks into the files. */
export interface Place {
  readonly file: string;
  readonly offset: number;
}

/** Entries are handed over once each, in order, as soon as the log says that they were committed. */
export type OnCommitted = (entry: Entry, place: Place) => void;

/**
 * Makes one log of the records: a later entry takes the place of an earlier one with the same index and of all behind it, as
 * the leader of a later term had it. That happens to entries that were not committed; anything else is damage.
 */
export class LogReader {
  hardState: HardState = { term: 0, vote: 0n, commit: 0 };
  /** The newest. */
  mark: SnapshotMark | undefined;
  lastIndex: number;
  /** Not known to be committed; consecutive, up to `lastIndex`. */
  private pending: { readonly entry: Entry; readonly place: Place }[] = [];
  /** Of the last entry that the snapshot contains, if the log has it. */
  private termAtStart: number | undefined;
  private committed = 0;
  /** The last. */
  private handedOver: { readonly index: number; readonly term: number } = { index: 0, term: 0 };

  /**
   * @param start last entry in the snapshot: those up to there are not handed over
   * @param firstIndex what the first segment says that it begins with
   */
  constructor(
    private readonly start: number,
    firstIndex: number,
    private readonly onCommitted: OnCommitted,
  ) {
    this.lastIndex = firstIndex - 1;
  }

  get tail(): readonly Entry[] {
    return this.pending.map(({ entry }) => entry);
  }

  /** @throws StoreError `corrupt` */
  read(frame: Frame, place: Place): void {
    try {
      if (frame.type === RecordType.hardState) this.takeHardState(readHardState(frame.body));
      else if (frame.type === RecordType.entry) this.takeEntry(readEntry(frame.body), place);
      else if (frame.type === RecordType.snapshotMark) this.takeMark(readSnapshotMark(frame.body));
      else throw new RangeError(`unknown record type ${frame.type}`);
    } catch (error) {
      if (error instanceof RangeError) throw storeErrors.corrupt(place.file, place.offset, error.message);
      throw error;
    }
  }

  private takeHardState(hardState: HardState): void {
    if (hardState.term < this.hardState.term) throw new RangeError(`term ${hardState.term} follows a later one`);
    this.hardState = hardState;
    this.commit(hardState.commit);
  }

  private takeEntry(entry: Entry, place: Place): void {
    const { index, term } = entry;
    if (index > this.lastIndex + 1) throw new RangeError(`entry ${index} follows entry ${this.lastIndex}`);
    if (index <= this.committed) throw new RangeError(`entry ${index} is written again, but it was committed`);
    const replaced = this.termOf(index);
    if (replaced !== undefined && replaced >= term) {
      throw new RangeError(`entry ${index} of term ${replaced} is written again in term ${term}`);
    }
    if (index <= this.start) this.termAtStart = undefined;
    const first = this.pending[0]?.entry.index ?? index;
    this.pending.length = Math.max(0, Math.min(this.pending.length, index - first));
    const before = this.termOf(index - 1);
    if (before !== undefined && term < before)
      throw new RangeError(`entry ${index} is of an earlier term than the last`);
    this.lastIndex = index;
    if (index === this.start) this.termAtStart = term;
    if (index > this.start) this.pending.push({ entry, place });
  }

  private takeMark(mark: SnapshotMark): void {
    // An own one may have been finished when another member's had come already.
    if (mark.index > (this.mark?.index ?? 0)) this.mark = mark;
    // Another member's: what was written here is not a part of it.
    const isForeign = mark.index > this.lastIndex || (this.termOf(mark.index) ?? mark.term) !== mark.term;
    if (isForeign) {
      this.pending = [];
      this.lastIndex = mark.index;
    }
    this.commit(mark.index);
  }

  private commit(index: number): void {
    this.committed = Math.max(this.committed, index);
    let count = 0;
    while (count < this.pending.length && this.pending[count]!.entry.index <= index) count++;
    for (const { entry, place } of this.pending.splice(0, count)) {
      this.handedOver = entry;
      this.onCommitted(entry, place);
    }
  }

  /** Undefined if it is not remembered. */
  private termOf(index: number): number | undefined {
    if (index === this.handedOver.index) return this.handedOver.term;
    if (index === this.start) return this.termAtStart;
    const first = this.pending[0]?.entry.index;
    return first === undefined ? undefined : this.pending[index - first]?.entry.term;
  }
}
