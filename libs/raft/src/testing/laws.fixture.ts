import { type RaftConfig } from '../config';
import { type Entry, type HardState, type SnapshotMetadata } from '../entry';
import { bytesOf } from '../log';
import { type Message } from '../message';
import { type Ready } from '../ready';
import { type RaftStatus } from '../status';
import {
  describe,
  hasConfChange,
  hasOnDisk,
  holds,
  isSame,
  isSameConfState,
  type Observed,
  type State,
  termAt,
} from './observed.fixture';

interface Committed extends State {
  readonly entry: Entry;
  /** In which it was committed at the latest. */
  readonly term: number;
}

export class LawBroken extends Error {}

/** Sees all members at once, remembers everything, and throws as soon as one of Raft's properties (figure 3) does not hold. */
export class Laws {
  private readonly leaders = new Map<number, bigint>();
  private readonly committed = new Map<number, Committed>();
  private readonly entries = new Map<string, { readonly entry: Entry; readonly previousTerm: number }>();
  private readonly votes = new Map<string, bigint>();
  private readonly last = new Map<bigint, RaftStatus>();
  private readonly readFloors = new Map<bigint, number>();
  /** The commit index of a member when it heard, since it was started, of the append that a refusal would name. */
  private readonly heardAt = new Map<bigint, Map<string, number>>();
  /** The committed log, and for each entry the first term whose leader has counted a majority for it or for a later one. */
  private readonly counted = new Map<number, { readonly entry: Entry; readonly term: number }>();
  /** Up to where the committed entries of a member have been looked at. */
  private readonly looked = new Map<bigint, number>();
  private maxTerm: number;
  private maxCounted: number;
  /** The last index that any state machine has applied: what a client may have been told. */
  acknowledged: number;
  readsAnswered = 0;

  constructor(
    private readonly members: ReadonlyMap<bigint, Observed>,
    private readonly settings: Pick<RaftConfig, 'maxBytesPerMessage' | 'maxBytesPerReady'>,
    beginning: SnapshotMetadata,
  ) {
    this.maxTerm = beginning.term;
    this.maxCounted = beginning.index;
    this.acknowledged = beginning.index;
    const entry: Entry = { index: beginning.index, term: beginning.term, type: 'normal', data: Buffer.alloc(0) };
    this.committed.set(beginning.index, { ...beginning, hash: 0, entry });
    this.counted.set(beginning.index, { entry, term: beginning.term });
  }

  /** After anything that a member did. */
  observe(member: Observed, status: RaftStatus): void {
    const before = this.last.get(member.id);
    this.last.set(member.id, status);
    const { term, role, commit, lastIndex, applied } = status;
    if (commit > lastIndex || applied > commit)
      broken(`${member.id}: applied ${applied}, commit ${commit}, last ${lastIndex}`);
    if (before !== undefined && (term < before.term || commit < before.commit || applied < before.applied)) {
      broken(`${member.id}: term, commit or applied went back`);
    }
    if (term > this.maxTerm) {
      if (role !== 'candidate') broken(`${member.id}: term ${term} began without an election, as ${role}`);
      this.maxTerm = term;
    }
    const wasLeader = before?.role === 'leader' && before.term === term;
    if (role === 'leader' && wasLeader && commit > before.commit) this.countedBy(member, status);
    if (commit > this.maxCounted) broken(`${member.id} has committed ${commit}, which no leader has counted`);
    if (role === 'pre-candidate' || role === 'candidate') this.standsFor(status);
    if (role !== 'leader') return;
    const { voters, votersOutgoing } = status.confState;
    if (!voters.includes(member.id) && !votersOutgoing.includes(member.id))
      broken(`${member.id} leads and is no voter`);
    this.leads(status, wasLeader ? before : undefined);
    if (!wasLeader) this.elected(member, status);
    else if (lastIndex < before.lastIndex) broken(`leader ${member.id} has shortened its log`);
  }

  restarted(id: bigint): void {
    this.last.delete(id);
    this.heardAt.delete(id);
  }

  /** Before a member does anything about it. */
  heard(message: Message): void {
    if (message.type !== 'append') return;
    const heardAt = this.heardAt.get(message.to) ?? new Map<string, number>();
    this.heardAt.set(message.to, heardAt);
    const key = `${message.index}/${message.term}`;
    if (!heardAt.has(key)) heardAt.set(key, this.last.get(message.to)?.commit ?? 0);
  }

  /** Before anything of it is done. */
  handedOut(member: Observed, ready: Ready): void {
    const { storage } = member;
    const [first] = ready.entries;
    if (first !== undefined && this.last.get(member.id)?.role === 'leader' && first.index <= storage.lastIndex()) {
      broken(`leader ${member.id} overwrites ${first.index}`);
    }
    const status = this.last.get(member.id);
    for (const { type, term, index } of ready.entries) {
      if (type !== 'conf-change' || status?.role !== 'leader' || term !== status.term) continue;
      const isEarlier = (entry: Entry): boolean => entry.type === 'conf-change' && entry.index < index;
      if (hasConfChange(storage, status.applied + 1, index - 1) || ready.entries.some(isEarlier)) {
        broken(`leader ${member.id} changes the membership at ${index} while a change is pending`);
      }
    }
    const { hardState } = ready;
    if (hardState !== undefined && hardState.term < storage.hardState.term)
      broken(`${member.id}: a durable term went back`);
    const isVital =
      ready.entries.length > 0 ||
      ready.snapshot !== undefined ||
      (hardState !== undefined &&
        (hardState.term !== storage.hardState.term || hardState.vote !== storage.hardState.vote));
    this.fits(member, ready.committedEntries, this.settings.maxBytesPerReady);
    if (isVital && !ready.mustSync) broken(`${member.id}: not to be synced, but vital`);
  }

  written(member: Observed, ready: Ready): void {
    const { storage } = member;
    for (const entry of ready.entries) this.matches(entry, storage.term(entry.index - 1));
    const { term, vote, commit }: HardState = storage.hardState;
    if (vote !== 0n) this.votedFor(member.id, term, vote);
    if (commit > storage.lastIndex())
      broken(`${member.id}: commit ${commit} is durable, entries end at ${storage.lastIndex()}`);
    this.committedBy(member, commit);
  }

  /** A promise has to be durable when it leaves. */
  said(member: Observed, message: Message): void {
    if (message.to === member.id || !this.members.has(message.to)) broken(`${member.id}: speaks to ${message.to}`);
    if (message.type === 'append') this.fits(member, message.entries, this.settings.maxBytesPerMessage);
    const { hardState } = member.storage;
    const isOfDiskTerm = hardState.term === message.term;
    if (message.term > hardState.term && (message.type === 'vote' || message.type === 'append')) {
      broken(`${member.id}: speaks for term ${message.term} before it is durable`);
    }
    if (message.type === 'vote-response' && !message.reject) {
      if (message.term > hardState.term || (isOfDiskTerm && hardState.vote !== message.to)) {
        broken(`${member.id}: promised a vote that is not durable`);
      }
      this.votedFor(member.id, message.term, message.to);
    }
    if (message.type === 'append-response' && message.reject) {
      // Whoever leads has what is committed, so it agrees.
      const commit = this.heardAt.get(member.id)?.get(`${message.index}/${message.term}`);
      if (commit === undefined) broken(`${member.id}: refuses what it has not heard`);
      if (message.index <= commit) broken(`${member.id}: refuses at ${message.index} what it knows committed`);
    }
    if (
      message.type === 'append-response' &&
      !message.reject &&
      isOfDiskTerm &&
      message.index > member.storage.lastIndex()
    ) {
      broken(`${member.id}: acknowledged ${message.index} before it was durable`);
    }
  }

  applied(member: Observed, entry: Entry, state: State): void {
    const { storage } = member;
    if (entry.index >= storage.firstIndex() && storage.term(entry.index) !== entry.term) {
      broken(`${member.id}: applied ${entry.index} before it was durable`);
    }
    const known = this.committed.get(entry.index);
    if (known === undefined) {
      this.committed.set(entry.index, { ...state, entry, term: this.last.get(member.id)?.term ?? Infinity });
      this.acknowledged = Math.max(this.acknowledged, entry.index);
      return;
    }
    if (!isSame(known.entry, entry))
      broken(`${member.id}: applied ${describe(entry)}, others ${describe(known.entry)}`);
    if (known.hash !== state.hash) broken(`${member.id}: state differs at ${entry.index}`);
    if (!isSameConfState(known.confState, state.confState))
      broken(`${member.id}: configuration differs at ${entry.index}`);
  }

  /** @returns the state that comes with the snapshot */
  installed(member: Observed, snapshot: SnapshotMetadata, applied: number): State {
    const known = this.committed.get(snapshot.index);
    if (snapshot.index <= applied) broken(`${member.id}: went back from ${applied} to a snapshot of ${snapshot.index}`);
    if (known?.entry.term !== snapshot.term || !isSameConfState(known.confState, snapshot.confState)) {
      return broken(`${member.id}: a snapshot at ${snapshot.index} of what nobody was in`);
    }
    return known;
  }

  readAsked(context: bigint): void {
    this.readFloors.set(context, this.acknowledged);
  }

  readAnswered(member: Observed, context: bigint, index: number): void {
    const floor = this.readFloors.get(context);
    if (floor === undefined) broken(`${member.id}: answers a read that nobody asked for`);
    if (index < floor) broken(`${member.id}: reads at ${index} what was written at ${floor} before`);
    this.readsAnswered++;
  }

  /** A leader knows that it leads, deals with the members, no more and no fewer, and forgets nothing that it knows of them. */
  private leads({ id, leader, confState, progress }: RaftStatus, before: RaftStatus | undefined): void {
    if (leader !== id) broken(`${id} leads and thinks that ${leader} does`);
    for (const [member, { match }] of progress) {
      // One that was removed and has come back is new.
      const known = match === 0 ? 0 : (before?.progress.get(member)?.match ?? 0);
      if (match < known) broken(`${id}: what ${member} has went back from ${known} to ${match}`);
    }
    const members = new Set([...confState.voters, ...confState.votersOutgoing, ...confState.learners]);
    if (progress.size !== members.size || [...progress.keys()].some((member) => !members.has(member))) {
      broken(`${id} leads ${[...progress.keys()].join()} and not ${[...members].join()}`);
    }
  }

  /** A single entry may be larger. */
  private fits(member: Observed, entries: readonly Entry[], maxBytes: number): void {
    if (entries.length > 1 && bytesOf(entries) > maxBytes) broken(`${member.id}: ${bytesOf(entries)} bytes at a time`);
  }

  private elected(member: Observed, status: RaftStatus): void {
    const { term, confState } = status;
    this.standsFor(status);
    for (const half of [confState.voters, confState.votersOutgoing]) {
      const votes = half.filter((id) => this.votes.get(`${id}/${term}`) === member.id);
      if (half.length > 0 && votes.length * 2 <= half.length) broken(`${member.id} leads with ${votes.length} votes`);
    }
    const other = this.leaders.get(term) ?? member.id;
    if (other !== member.id) broken(`${other} and ${member.id} both lead term ${term}`);
    this.leaders.set(term, member.id);
    for (const [index, { entry, term: at }] of this.committed) {
      if (at < term && !holds(member, index, entry.term))
        broken(`leader ${member.id} of ${term} lacks committed ${index}`);
    }
    for (const [index, { entry, term: at }] of this.counted) {
      if (at < term && !holds(member, index, entry.term))
        broken(`leader ${member.id} of ${term} lacks counted ${index}`);
    }
  }

  /** What is on disk as committed is what a leader has counted. */
  private committedBy(member: Observed, to: number): void {
    const from = this.looked.get(member.id) ?? 0;
    this.looked.set(member.id, to);
    for (let index = from + 1; index <= to; index++) {
      const term = this.counted.get(index)?.entry.term;
      if (term !== undefined && !holds(member, index, term)) broken(`${member.id} has committed another ${index}`);
    }
  }

  /**
   * Votes are counted by the latest configuration that is known to be committed. The member's own disk cannot tell: it may lack a committed
   * change that is not written yet, and still have one that is overwritten.
   */
  private standsFor({ id, applied, commit }: RaftStatus): void {
    for (let index = applied + 1; index <= commit; index++) {
      if (this.counted.get(index)?.entry.type === 'conf-change') broken(`${id} stands with an old configuration`);
    }
  }

  /** A leader's commit index has risen: a majority of each half must have the entry on disk. */
  private countedBy(member: Observed, { term, commit, confState }: RaftStatus): void {
    const entryTerm = termAt(member, commit);
    if (entryTerm === undefined) broken(`leader ${member.id} has committed ${commit}, which it does not have`);
    if (entryTerm !== term) broken(`leader ${member.id} of ${term} has counted an entry of ${entryTerm} (figure 8)`);
    for (const half of [confState.voters, confState.votersOutgoing]) {
      const having = half.filter((id) => {
        const voter = this.members.get(id);
        return voter !== undefined && hasOnDisk(voter, commit, entryTerm);
      });
      if (half.length > 0 && having.length * 2 <= half.length) {
        broken(`leader ${member.id} has committed ${commit} with ${having.length} of ${half.length}`);
      }
    }
    this.commits(commit, entryTerm, term);
  }

  /** With an entry all that led to it is committed, in that term at the latest. */
  private commits(upTo: number, upToTerm: number, term: number): void {
    this.maxCounted = Math.max(this.maxCounted, upTo);
    for (let [index, entryTerm] = [upTo, upToTerm]; ; index--) {
      const counted = this.counted.get(index);
      if (counted !== undefined && counted.entry.term !== entryTerm) broken(`two entries are committed at ${index}`);
      if (counted !== undefined && counted.term <= term) return;
      const known = this.entries.get(`${index}/${entryTerm}`);
      if (known === undefined) return broken(`${index} of ${entryTerm} is committed, and was never written`);
      this.counted.set(index, { entry: known.entry, term });
      entryTerm = known.previousTerm;
    }
  }

  /** Log matching: the same index and term mean the same entry, and the same one before it. */
  private matches(entry: Entry, previousTerm: number | undefined): void {
    if (previousTerm === undefined) broken(`a gap before ${entry.index}`);
    const key = `${entry.index}/${entry.term}`;
    const known = this.entries.get(key);
    if (known === undefined) this.entries.set(key, { entry, previousTerm });
    else if (!isSame(known.entry, entry) || known.previousTerm !== previousTerm) broken(`two entries are ${key}`);
  }

  private votedFor(voter: bigint, term: number, candidate: bigint): void {
    const key = `${voter}/${term}`;
    const other = this.votes.get(key) ?? candidate;
    if (other !== candidate) broken(`${voter} has voted for ${other} and ${candidate} in term ${term}`);
    this.votes.set(key, candidate);
  }
}

function broken(law: string): never {
  throw new LawBroken(law);
}
