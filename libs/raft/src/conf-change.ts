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

const STEP_TYPES = ['add-voter', 'add-learner', 'remove'] as const;
const TRANSITIONS = ['auto', 'explicit'] as const;
const HEADER_BYTES = 3;
const STEP_BYTES = 9;
/** Of steps: a count takes two bytes. */
const MAX_STEPS = 0xffff;

/** One byte for the transition, two for the count of steps, nine for each (type, id), and the context. @throws RangeError */
export function encodeConfChange(change: ConfChange): Buffer {
  const { steps, transition, context } = change;
  if (steps.length > MAX_STEPS) throw new RangeError(`a change of ${steps.length} steps`);
  const head = Buffer.alloc(HEADER_BYTES + STEP_BYTES * steps.length);
  head.writeUInt8(TRANSITIONS.indexOf(transition), 0);
  head.writeUInt16BE(steps.length, 1);
  steps.forEach(({ type, id }, position) => {
    const offset = HEADER_BYTES + STEP_BYTES * position;
    head.writeUInt8(STEP_TYPES.indexOf(type), offset);
    head.writeBigUInt64BE(id, offset + 1);
  });
  return Buffer.concat([head, context]);
}

/** @throws RangeError for what `encodeConfChange` has not written */
export function decodeConfChange(data: Buffer): ConfChange {
  const transition = data.length < HEADER_BYTES ? undefined : TRANSITIONS[data.readUInt8(0)];
  if (transition === undefined) throw new RangeError('not a membership change');
  const end = HEADER_BYTES + STEP_BYTES * data.readUInt16BE(1);
  if (data.length < end) throw new RangeError('a membership change is cut short');
  const steps: ConfChangeStep[] = [];
  for (let offset = HEADER_BYTES; offset < end; offset += STEP_BYTES) {
    const type = STEP_TYPES[data.readUInt8(offset)];
    if (type === undefined) throw new RangeError('a membership change has a step of an unknown type');
    steps.push({ type, id: data.readBigUInt64BE(offset + 1) });
  }
  return { steps, transition, context: data.subarray(end) };
}
