import { type Clock } from '#machinery';
import { type Message, type RaftConfig, type SnapshotMetadata } from '#raft';
import { type Logger } from '#telemetry';
import { type Command } from '../command';
import { type StoreError } from '../key-value-store';
import { type MemberMetrics } from '../member-metrics';
import { type Outcome, type StateMachine } from '../state-machine';
import { type Journal } from './journal';
import { type LogWindow } from './log-window';

/** How much of the log is kept for followers that are behind, once a snapshot was taken. */
export const DEFAULT_CATCH_UP_BYTES = 16 * 1024 * 1024;
export const DEFAULT_TICK_MS = 100;
export const DEFAULT_ELECTION_TICKS = 10;

export interface ReplicatorOptions {
  readonly clock: Clock;
  readonly logger?: Logger;
  readonly machine: StateMachine;
  readonly log: LogWindow;
  readonly journal: Journal;
  readonly memberId: bigint;
  readonly metrics: MemberMetrics;
  /** [0, 1). */
  readonly random: () => number;
  readonly maxRequestBytes?: number;
  readonly tickMs?: number;
  readonly electionTicks?: number;
  readonly catchUpBytes?: number;
  /** Absent: nobody to send anything to. */
  readonly send?: (messages: readonly Message[]) => void;
  /** The state machine becomes what was received. */
  readonly install?: (snapshot: SnapshotMetadata) => Promise<void>;
}

export interface ReplicatorHooks {
  /** Called after a command was applied and before its proposer hears of it. */
  onApplied(command: Command, outcome: Outcome): void;
  /** Called after each batch with the bytes it took in the log. */
  onBatch(bytes: number): void;
  onLeadership(isLeader: boolean): void;
  /** Members have come, gone or changed their addresses. */
  onMembers(): void;
  /** Another state is about to take the place of the one there was, of which nothing will be left until then. */
  onInstalling(): void;
  /** It has. */
  onInstalled(): void;
  /** Nothing will be applied any more. */
  onFailure(error: StoreError): void;
}

/** What Raft is told, for the state machine as it is now. */
export function raftConfig(options: ReplicatorOptions, electionTicks: number): RaftConfig {
  const { memberId, log, machine, random } = options;
  return {
    id: memberId,
    storage: log,
    applied: machine.appliedIndex,
    electionTicks,
    heartbeatTicks: 1,
    maxBytesPerMessage: 1024 * 1024,
    maxInflightMessages: 128,
    maxInflightBytes: 16 * 1024 * 1024,
    maxUncommittedBytes: 64 * 1024 * 1024,
    maxBytesPerReady: 4 * 1024 * 1024,
    random,
  };
}
