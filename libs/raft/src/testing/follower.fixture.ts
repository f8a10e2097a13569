import { encodeConfChange } from '../conf-change';
import { type Message } from '../message';
import { Member } from './cluster.fixture';
import { MemoryStorage, votersOnly } from './memory-storage.fixture';

export const NO_CONTEXT = Buffer.alloc(0);

/** Member 2 of three, that is told everything by the test. */
export function follower(): Member {
  return new Member(2n, MemoryStorage.of(votersOnly(1n, 2n, 3n)));
}

/** Of member 1, to member 2: entries of `terms` after `index`. */
export function append(term: number, index: number, logTerm: number, terms: readonly number[], commit = 0): Message {
  const entries = terms.map((entryTerm, position) => ({
    term: entryTerm,
    index: index + 1 + position,
    type: 'normal' as const,
    data: Buffer.from(`${index + 1 + position}/${entryTerm}`),
  }));
  return { type: 'append', from: 1n, to: 2n, term, index, logTerm, entries, commit };
}

/** Entry 2, of term 2: a membership change. */
export function appendConfChange(commit: number): Message {
  const change = { steps: [{ type: 'remove', id: 3n }], transition: 'auto', context: NO_CONTEXT } as const;
  const entry = { term: 2, index: 2, type: 'conf-change', data: encodeConfChange(change) } as const;
  return { type: 'append', from: 1n, to: 2n, term: 2, index: 1, logTerm: 1, entries: [entry], commit };
}
