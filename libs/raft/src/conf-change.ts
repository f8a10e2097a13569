/** One step of a membership change. `remove` of a stranger and `add` of a member change nothing. */
export interface ConfChangeStep {
  readonly type: 'add-voter' | 'add-learner' | 'remove';
  readonly id: bigint;
}

/**
 * A membership change (dissertation, 4.3). One step is carried out at once; several make a joint configuration, which ends by itself
 * (`auto`) or by an empty change (`explicit`). `context` is the driver's own (member names and addresses).
 */
export interface ConfChange {
  readonly steps: readonly ConfChangeStep[];
  readonly transition: 'auto' | 'explicit';
  readonly context: Buffer;
}
