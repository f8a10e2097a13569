import crypto from 'node:crypto';
import { type Clock } from '#machinery';
import { type Logger } from '#telemetry';
import { type LocalStore } from './administration';
import { MemoryLog } from './commit-log';
import { ReplicatedStore } from './replicated-store';
import { StateMachine } from './state-machine';

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly logger?: Logger;
  /** As of `DiskStoreOptions`. */
  readonly maxRequestBytes?: number;
  readonly quotaBytes?: number;
}

/** The same state machine without a disk: for tests, and for clusters that nobody wants to keep. */
export function createMemoryStore({ clock, logger, maxRequestBytes, quotaBytes }: MemoryStoreOptions): LocalStore {
  return new ReplicatedStore({
    clock,
    logger,
    log: new MemoryLog(),
    machine: new StateMachine(),
    identity: { clusterId: 1n, memberId: 1n },
    newLeaseId: randomLeaseId,
    maxRequestBytes,
    quotaBytes,
  });
}

/** 63 bits, so that the id is positive as etcd's are. */
export function randomLeaseId(): bigint {
  return BigInt.asUintN(63, crypto.randomBytes(8).readBigUInt64LE());
}
