import { type Segment } from './follower';
import { checkLinearizability, partition } from './linearizability';
import { type Batch, type Observer } from './observer';
import { registerModel } from './register';
import { type Acknowledged, type RegisterOperation } from './workload';

const MOST_SHOWN = 10;

/** Every operation took place at one moment between its call and its answer. */
export function linearizabilityFaults(operations: readonly RegisterOperation[]): string[] {
  const faults: string[] = [];
  for (const [key, history] of partition(operations, (input) => input.key)) {
    const verdict = checkLinearizability(registerModel, history);
    if (verdict.isLinearizable === true) continue;
    if (verdict.isLinearizable === undefined) faults.push(`${key}: not decided after ${verdict.steps} steps`);
    else {
      const stuck = JSON.stringify(verdict.stuckAt);
      const before = verdict.longest.slice(-MOST_SHOWN).map((each) => JSON.stringify(each));
      faults.push(`${key}: no order for ${stuck}; up to there:\n  ${before.join('\n  ')}`);
    }
  }
  return faults;
}

/** Every write that was acknowledged happened, at the revision that was told. */
export function lostWrites(acknowledged: readonly Acknowledged[], history: readonly Batch[]): string[] {
  const happened = new Map(history.map(({ revision, changes }) => [revision, changes]));
  return acknowledged.flatMap((write) => {
    const changes = happened.get(write.revision);
    if (changes?.some(({ key, value }) => key === write.key && value === write.value) === true) return [];
    return [`acknowledged ${JSON.stringify(write)}, but there was ${JSON.stringify(changes)}`];
  });
}

/** Values are used once: what is there again was carried out again. */
export function repeatedWrites(history: readonly Batch[]): string[] {
  const seen = new Map<number, number>();
  const faults: string[] = [];
  for (const { revision, changes } of history) {
    for (const { key, value } of changes) {
      if (value === 0) continue;
      const before = seen.get(value);
      if (before !== undefined) faults.push(`${value} was written to ${key} in ${before}, and again in ${revision}`);
      seen.set(value, revision);
    }
  }
  return faults;
}

export interface History {
  /** What anybody saw, in the order of revisions. */
  readonly batches: readonly Batch[];
  readonly faults: readonly string[];
}

/** Every watch saw the same, in the order of revisions, nothing of it twice, and nothing left out between where it began and where it ended. */
export function historyOf(observers: readonly Pick<Observer, 'name' | 'from' | 'batches' | 'faults'>[]): History {
  const seen = new Map<number, { readonly batch: Batch; readonly by: string }>();
  const faults = observers.flatMap((observer) => observer.faults);
  for (const { name, batches } of observers) {
    for (const batch of batches) {
      const first = seen.get(batch.revision);
      if (first === undefined) seen.set(batch.revision, { batch, by: name });
      else if (JSON.stringify(first.batch) !== JSON.stringify(batch))
        faults.push(`${first.by} saw ${JSON.stringify(first.batch)}, ${name} ${JSON.stringify(batch)}`);
    }
  }
  const batches = [...seen.values()].map(({ batch }) => batch).sort((a, b) => a.revision - b.revision);
  for (const { name, from, batches: own } of observers)
    faults.push(...gaps({ name, start: from, batches: own }, batches));
  return { batches, faults };
}

/** What a watch has to have told, and has not, or otherwise. @param history of all that it asked for */
export function gaps({ name, start, batches }: Segment, history: readonly Batch[]): string[] {
  const last = batches.at(-1)?.revision ?? 0;
  const expected = history.filter(({ revision }) => revision >= start && revision <= last);
  const at = expected.findIndex((batch, index) => JSON.stringify(batch) !== JSON.stringify(batches[index]));
  if (at === -1 && expected.length === batches.length) return [];
  const [ours, theirs] = [batches[at], expected[at]].map((batch) => JSON.stringify(batch));
  return [
    `${name} saw ${batches.length} of ${expected.length} revisions from ${start} to ${last}; number ${at}: ${ours} and not ${theirs}`,
  ];
}
