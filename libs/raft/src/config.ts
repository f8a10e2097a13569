import { type RaftStorage } from './storage';

export interface RaftConfig {
  /** Not 0n, which means nobody. */
  readonly id: bigint;
  readonly storage: RaftStorage;
  /** Last index the state machine has applied; committed entries after it are handed out. */
  readonly applied: number;
  /** A follower that hears nothing for this many ticks (to twice as many, by `random`) begins a pre-vote. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Data of the entries in one append. */
  readonly maxBytesPerMessage: number;
  /** Appends under way to one follower. */
  readonly maxInflightMessages: number;
  readonly maxInflightBytes: number;
  /** Proposals beyond are dropped; a single one may be larger. */
  readonly maxUncommittedBytes: number;
  /** Data of `committedEntries`. */
  readonly maxBytesPerReady: number;
  /** [0, 1): the only chance there is, and the caller's. */
  readonly random: () => number;
}

/** @throws RangeError naming the setting */
export function checkConfig(config: RaftConfig): void {
  if (config.id <= 0n) throw new RangeError(`id is ${config.id}`);
  const { electionTicks, heartbeatTicks, maxInflightMessages, maxInflightBytes } = config;
  for (const [name, value] of Object.entries({
    electionTicks,
    heartbeatTicks,
    maxInflightMessages,
    maxInflightBytes,
  })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} is ${value}`);
  }
  const { applied, maxBytesPerMessage, maxUncommittedBytes, maxBytesPerReady } = config;
  for (const [name, value] of Object.entries({ applied, maxBytesPerMessage, maxUncommittedBytes, maxBytesPerReady })) {
    if (!(value >= 0)) throw new RangeError(`${name} is ${value}`);
  }
  if (electionTicks <= heartbeatTicks) throw new RangeError('electionTicks is not above heartbeatTicks');
}
