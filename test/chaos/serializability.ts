import { isDeepStrictEqual } from 'node:util';
import { type Entry, type LedgerInput, type LedgerOperation } from './ledger';
import { type Batch, type Change } from './observer';
import { type Answer } from './timeline';

type Move = LedgerInput & { readonly type: 'move' };

/** What an operation has to be compared with: the state at one revision, and the one before. */
type Question = (before: ReadonlyMap<string, Entry>, after: ReadonlyMap<string, Entry>) => void;

export interface LedgerVerdict {
  readonly faults: readonly string[];
  /** For `timeFaults`. */
  readonly answers: readonly Answer[];
}

/**
 * What was told of several keys, held against the history that the watches saw: each change is somebody's, whole, once, where they were told
 * it was, and only if what they expected was so; each answer shows the state of its revision.
 */
export function checkLedger(operations: readonly LedgerOperation[], history: readonly Batch[]): LedgerVerdict {
  const faults: string[] = [];
  const answers: Answer[] = [];
  const questions = new Map<number, Question[]>();
  const ask = (revision: number, question: Question): void => {
    const before = questions.get(revision);
    if (before === undefined) questions.set(revision, [question]);
    else before.push(question);
  };
  const writers = new Map<number, LedgerOperation & { readonly input: Move }>();
  for (const operation of operations) {
    const { input } = operation;
    if (isMove(operation))
      for (const [, value] of operation.input.writes) if (value !== 0) writers.set(value, operation);
    const { call, return: end, output } = operation;
    if (output === undefined) continue;
    const isChange = input.type === 'move' && output.succeeded;
    if (input.type === 'move' || input.isSerializable !== true)
      answers.push({ what: JSON.stringify(input), call, return: end, revision: output.revision, isChange });
    const at = (input.type === 'list' ? input.revision : undefined) ?? output.revision;
    ask(at, (_before, after) => {
      const entries = [...after.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
      if (!isDeepStrictEqual(output.entries, entries))
        faults.push(`at ${at} there was ${JSON.stringify(entries)}, but the answer is ${JSON.stringify(operation)}`);
      if (input.type === 'move' && !output.succeeded && isAsExpected(input, after))
        faults.push(`refused though all was as expected: ${JSON.stringify(operation)}`);
    });
  }

  const happened = new Map<LedgerOperation, number>();
  for (const { revision, changes } of history) {
    const writer = changes.map(({ value }) => writers.get(value)).find((found) => found !== undefined);
    if (writer === undefined) {
      faults.push(`nobody has asked for what happened in ${revision}: ${JSON.stringify(changes)}`);
      continue;
    }
    const { input, call, output } = writer;
    const first = happened.get(writer);
    if (first !== undefined) faults.push(`happened in ${first} and again in ${revision}: ${JSON.stringify(input)}`);
    happened.set(writer, revision);
    if (output === undefined)
      answers.push({ what: JSON.stringify(input), call, return: Infinity, revision, isChange: true });
    ask(revision, (before) => {
      if (!isAsExpected(input, before))
        faults.push(`happened in ${revision} though it must not: ${JSON.stringify(input)}`);
      const expected = input.writes.filter(([key, value]) => value !== 0 || before.has(key));
      const actual = changes.map(({ key, value }) => [key, value]);
      if (!isDeepStrictEqual(sorted(actual), sorted(expected)))
        faults.push(`of ${JSON.stringify(input)} there was in ${revision} only ${JSON.stringify(actual)}`);
    });
  }
  for (const operation of operations) {
    const { output } = operation;
    if (output === undefined || !isMove(operation)) continue;
    const revision = happened.get(operation);
    if (output.succeeded !== (revision !== undefined) || (output.succeeded && revision !== output.revision))
      faults.push(`happened in ${revision ?? 'no revision'}: ${JSON.stringify(operation)}`);
  }
  faults.push(...replay(history, questions));
  return { faults, answers };
}

/** Goes through the history and puts the questions where they belong. @returns what is wrong with the history itself */
function replay(history: readonly Batch[], questions: ReadonlyMap<number, readonly Question[]>): string[] {
  const faults: string[] = [];
  const batches = new Map(history.map((batch) => [batch.revision, batch.changes]));
  let state: ReadonlyMap<string, Entry> = new Map();
  for (const revision of [...new Set([...batches.keys(), ...questions.keys()])].sort((a, b) => a - b)) {
    const before = state;
    const changes = batches.get(revision);
    if (changes !== undefined) {
      const after = new Map(before);
      for (const change of changes) {
        const entry = entryAfter(change, before.get(change.key));
        if (entry === undefined) after.delete(change.key);
        else after.set(change.key, entry);
        if (!isSameMetadata(change, entry)) faults.push(`${JSON.stringify(change)} has to be ${JSON.stringify(entry)}`);
      }
      state = after;
    }
    for (const question of questions.get(revision) ?? []) question(before, state);
  }
  return faults;
}

function entryAfter({ revision, key, value }: Change, before: Entry | undefined): Entry | undefined {
  if (value === 0) return undefined;
  const { createRevision = revision, version = 0 } = before ?? {};
  return { key, value, createRevision, modRevision: revision, version: version + 1 };
}

function isSameMetadata(change: Change, entry: Entry | undefined): boolean {
  return change.createRevision === (entry?.createRevision ?? 0) && change.version === (entry?.version ?? 0);
}

function isMove(operation: LedgerOperation): operation is LedgerOperation & { readonly input: Move } {
  return operation.input.type === 'move';
}

function isAsExpected({ expected }: Move, state: ReadonlyMap<string, Entry>): boolean {
  return expected.every(([key, modRevision]) => (state.get(key)?.modRevision ?? 0) === modRevision);
}

function sorted(pairs: readonly (readonly unknown[])[]): string[] {
  return pairs.map((pair) => JSON.stringify(pair)).sort();
}
