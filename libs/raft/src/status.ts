import { type ConfState } from './entry';
import { type ProgressState } from './progress';
import { type Role } from './ready';

/** What a member thinks at the moment, for operators and drivers. */
export interface RaftStatus {
  readonly id: bigint;
  readonly term: number;
  /** 0n: nobody yet. */
  readonly vote: bigint;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  /** 0n: nobody that is known. */
  readonly leader: bigint;
  readonly role: Role;
  readonly confState: ConfState;
  /** To whom this leader is handing over; 0n: nobody. */
  readonly transferee: bigint;
  /** A leader's, of every member, itself included; empty otherwise. */
  readonly progress: ReadonlyMap<bigint, ProgressStatus>;
}

export interface ProgressStatus {
  readonly match: number;
  readonly next: number;
  readonly state: ProgressState;
  /** Heard of within the election timeout that runs, or the one before. */
  readonly isActive: boolean;
  readonly isLearner: boolean;
  /** 0: none. */
  readonly pendingSnapshot: number;
}
