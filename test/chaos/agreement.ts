import { eventually } from '../tools/eventually';
import { type ChaosMember } from './chaos-cluster';
import { hashOf, stateOf } from './raw';

/** What is left to expire, and to be applied, is at the end of a run. */
const PATIENCE_MS = 60_000;

/** Members that have applied the same have the same, to the last byte and lease. */
export async function disagreement(members: readonly ChaosMember[]): Promise<string[]> {
  let states: string[] = [];
  try {
    await eventually(async () => {
      states = await Promise.all(members.map(async ({ name, raw }) => `${name}: ${await stateOf(raw)}`));
      if (new Set(states.map((state) => state.slice(state.indexOf(':')))).size > 1) throw new Error('they differ');
    }, PATIENCE_MS);
    return [];
  } catch (error) {
    return [`the members do not agree (${(error as Error).message}): ${states.join('; ')}`];
  }
}

/** Those that can say now what they had at a revision, and have forgotten as much, have had the same. */
export async function disagreementAt(revision: number, members: readonly ChaosMember[]): Promise<string[]> {
  const hashes = new Map<number, { readonly hash: number; readonly name: string }>();
  const faults: string[] = [];
  const said = await Promise.allSettled(members.map(({ raw }) => hashOf(raw, revision)));
  for (const [index, each] of said.entries()) {
    // It is behind, cut off, or gone.
    if (each.status === 'rejected') continue;
    const { name } = members[index]!;
    const { hash, compactRevision } = each.value;
    const other = hashes.get(compactRevision);
    if (other === undefined) hashes.set(compactRevision, { hash, name });
    else if (other.hash !== hash)
      faults.push(`at ${revision}, since ${compactRevision}, ${other.name} had ${other.hash}, and ${name} ${hash}`);
  }
  return faults;
}
