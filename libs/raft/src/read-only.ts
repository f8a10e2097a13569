/** Asked by this member's own client (`from` is its id) or by a follower. */
interface Read {
  readonly from: bigint;
  readonly context: bigint;
}

export interface ConfirmedRead extends Read {
  /** The commit index when the read was asked for: nothing that was acknowledged before lies beyond. */
  readonly index: number;
}

/** Reads that wait, all kinds together. Who is turned away asks again. */
const MAX_READS = 10_000;

/**
 * A leader's reads (dissertation, 6.4). The index is fixed when the read arrives; it is told only when a majority has answered a heartbeat
 * sent afterwards, so that nobody else can have been leader, and committed more, before. Reads that arrive between two heartbeat rounds
 * share the next one. A new leader forgets all of them with its predecessor's office.
 */
export class ReadOnly {
  /** Number of the last round begun: what heartbeats carry and their answers repeat. */
  round = 0;
  /** Reads wait for a round that has not begun. */
  isRoundDue = false;
  /** A new leader does not know what is committed until an entry of its own is: they have no index yet. */
  private readonly early: Read[] = [];
  private readonly pending: (ConfirmedRead & { readonly round: number })[] = [];

  addEarly(read: Read): void {
    if (this.early.length + this.pending.length < MAX_READS) this.early.push(read);
  }

  add(read: Read, commit: number): void {
    if (this.early.length + this.pending.length >= MAX_READS) return;
    this.pending.push({ from: read.from, context: read.context, index: commit, round: this.round + 1 });
    this.isRoundDue = true;
  }

  /** The leader has committed an entry of its own. */
  admitEarly(commit: number): void {
    for (const read of this.early.splice(0)) this.add(read, commit);
  }

  /** A heartbeat goes out now. @returns what it has to carry */
  beginRound(): number {
    if (this.isRoundDue) this.round++;
    this.isRoundDue = false;
    return this.round;
  }

  /** A majority has confirmed `round`, and with it all before. */
  confirm(round: number): readonly ConfirmedRead[] {
    const open = this.pending.findIndex((read) => read.round > round);
    return this.pending.splice(0, open < 0 ? this.pending.length : open);
  }
}
