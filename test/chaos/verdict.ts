import { checkLinearizability, partition } from './linearizability';
import { type Change, type Observer } from './observer';
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
export function lostWrites(acknowledged: readonly Acknowledged[], changes: readonly Change[]): string[] {
  const happened = new Map(changes.map((change) => [change.revision, change]));
  return acknowledged.flatMap((write) => {
    const change = happened.get(write.revision);
    if (change?.key === write.key && change.value === write.value) return [];
    return [`acknowledged ${JSON.stringify(write)}, but there was ${JSON.stringify(change)}`];
  });
}

/** Every watch saw the same changes, in the order of their revisions, none of them twice and none left out. */
export function watchFaults(observers: readonly Observer[]): string[] {
  const faults = observers.flatMap((observer) => observer.faults);
  const [first, ...others] = observers;
  for (const other of others) {
    const at = other.changes.findIndex((change, index) => !isSame(change, first!.changes[index]));
    if (at === -1 && other.changes.length === first!.changes.length) continue;
    const [ours, theirs] = [first!.changes[at], other.changes[at]].map((change) => JSON.stringify(change));
    faults.push(
      `${first!.name} saw ${first!.changes.length} changes, ${other.name} ${other.changes.length}; number ${at}: ${ours} and ${theirs}`,
    );
  }
  return faults;
}

function isSame(a: Change, b: Change | undefined): boolean {
  return a.revision === b?.revision && a.key === b.key && a.value === b.value;
}
