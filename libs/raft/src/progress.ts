import { type Entry } from './entry';
import { Inflights } from './inflights';
import { bytesOf } from './log';

/**
 * `probe`: where the logs agree is not known; one append at a time. `replicate`: it is; appends follow one another without waiting.
 * `snapshot`: the follower needs entries that are gone; nothing is sent until the snapshot has arrived or failed.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** What a leader knows of one member's log, itself included. Made anew at each election, and for each new member. */
export class Progress {
  /** The member's log is known to agree, durably, up to here. Grows only. */
  match = 0;
  /** The next entry to send. In `replicate` it runs ahead of `match` by what is in flight. */
  next: number;
  state: ProgressState = 'probe';
  /** Of the snapshot under way, in `snapshot`. */
  pendingSnapshot = 0;
  /** Heard of since check-quorum last looked. A new member gets its chance. */
  isActive = true;
  /** Heard of when check-quorum last looked: just after it `isActive` says nothing yet. */
  wasActive = true;
  /** An append was sent in `probe`, or the window is full: nothing more before an answer, or a heartbeat's. */
  isPaused = false;
  /** The next append is due even if it has no entries: the member has something to learn from it. */
  isAppendDue = false;
  /** Highest commit index that the member was told in an append. */
  sentCommit = 0;
  /** Highest round of reads that the member has confirmed this leader in. */
  readRound = 0;
  readonly inflights: Inflights;

  constructor(lastIndex: number, maxMessages: number, maxBytes: number) {
    this.next = lastIndex + 1;
    this.inflights = new Inflights(maxMessages, maxBytes);
  }

  becomeProbe(): void {
    this.next = this.state === 'snapshot' ? Math.max(this.match, this.pendingSnapshot) + 1 : this.match + 1;
    this.enter('probe');
  }

  becomeReplicate(): void {
    this.next = this.match + 1;
    this.enter('replicate');
  }

  becomeSnapshot(index: number): void {
    this.enter('snapshot');
    this.pendingSnapshot = index;
    this.next = index + 1;
  }

  isBlocked(): boolean {
    return this.state === 'snapshot' || this.isPaused;
  }

  sent(entries: readonly Entry[], commit: number): void {
    this.isAppendDue = false;
    this.sentCommit = commit;
    if (this.state === 'probe') {
      this.isPaused = true;
      return;
    }
    const last = entries.at(-1);
    if (last !== undefined) {
      this.next = last.index + 1;
      this.inflights.add(last.index, bytesOf(entries));
    }
    this.isPaused = this.inflights.isFull();
  }

  /** @returns whether this was news */
  acknowledged(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.inflights.freeTo(index);
    this.isPaused = this.inflights.isFull();
    return true;
  }

  /** An append after `rejected` was refused; the logs agree at `hint` at the latest. Nothing happens if the answer is out of date. */
  rejected(rejected: number, hint: number): void {
    if (this.state === 'replicate' && rejected > this.match) {
      this.becomeProbe();
    } else if (this.state === 'probe' && rejected === this.next - 1) {
      this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
      this.isPaused = false;
    }
  }

  /** Check-quorum looks. @returns whether the member was heard of since it last did */
  look(): boolean {
    this.wasActive = this.isActive;
    this.isActive = false;
    return this.wasActive;
  }

  private enter(state: ProgressState): void {
    this.state = state;
    this.isPaused = false;
    this.pendingSnapshot = 0;
    this.inflights.clear();
  }
}
