import { type ConfState, type Entry } from '../entry';
import { type MemoryStorage } from './memory-storage.fixture';

/** What a law is told of a member. */
export interface Observed {
  readonly id: bigint;
  readonly storage: MemoryStorage;
  /** Handed out, and not written yet. */
  readonly unwritten: readonly Entry[];
}

/** The state machine's state after an entry, and the configuration then in force. */
export interface State {
  readonly index: number;
  readonly hash: number;
  readonly confState: ConfState;
}

export function termAt(member: Observed, index: number): number | undefined {
  return member.unwritten.find((entry) => entry.index === index)?.term ?? member.storage.term(index);
}

export function holds(member: Observed, index: number, term: number): boolean {
  return index < member.storage.firstIndex() || termAt(member, index) === term;
}

export function hasOnDisk({ storage }: Observed, index: number, term: number): boolean {
  return index < storage.firstIndex() || storage.term(index) === term;
}

export function hasConfChange(storage: MemoryStorage, from: number, to: number): boolean {
  for (let index = from; index <= to; index++) if (storage.entry(index)?.type === 'conf-change') return true;
  return false;
}

export function isSame(a: Entry, b: Entry): boolean {
  return a === b || (a.term === b.term && a.index === b.index && a.type === b.type && a.data.equals(b.data));
}

export function isSameConfState(a: ConfState, b: ConfState): boolean {
  return a === b || describeConfState(a) === describeConfState(b);
}

function describeConfState({ voters, learners, votersOutgoing, learnersNext, autoLeave }: ConfState): string {
  return `${voters.join()}|${learners.join()}|${votersOutgoing.join()}|${learnersNext.join()}|${autoLeave}`;
}

export function describe({ index, term, data }: Entry): string {
  return `${index}/${term} ${data.toString('latin1')}`;
}
