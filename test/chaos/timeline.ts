/** An answer of the store, or a change whose answer was lost, and the revision it belongs to. */
export interface Answer {
  readonly what: string;
  /** As of an `Operation`. */
  readonly call: number;
  readonly return: number;
  readonly revision: number;
  /** The revision is of its own making. */
  readonly isChange: boolean;
}

/**
 * Revisions are the store's own order of everything that happened, across all keys. Whoever asks after somebody else was answered comes later
 * in it: a read at the same revision or a later one, a change at a later one. That, and that each answer is right at its revision
 * (`serializability.ts`), is strict serializability, and no search is needed to see it.
 */
export function timeFaults(answers: readonly Answer[]): string[] {
  const byReturn = answers.filter((answer) => answer.return !== Infinity).sort((a, b) => a.return - b.return);
  const byCall = [...answers].sort((a, b) => a.call - b.call);
  const faults: string[] = [];
  let newest: Answer | undefined;
  let done = 0;
  for (const answer of byCall) {
    for (; done < byReturn.length && byReturn[done]!.return < answer.call; done++) {
      if (byReturn[done]!.revision > (newest?.revision ?? 0)) newest = byReturn[done];
    }
    if (newest === undefined || answer.revision > newest.revision) continue;
    if (answer.revision === newest.revision && !answer.isChange) continue;
    faults.push(
      `asked after ${JSON.stringify(newest)} was answered, but before it in revisions: ${JSON.stringify(answer)}`,
    );
  }
  return faults;
}
