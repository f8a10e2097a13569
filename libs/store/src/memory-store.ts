import crypto from 'node:crypto';
import { type Clock } from '#machinery';
import { type Logger, Registry } from '#telemetry';
import { type LocalStore } from './administration';
import { createMemberMetrics } from './member-metrics';
import { ReplicatedStore } from './replicated-store';
import { MemoryJournal } from './replication/journal';
import { LeaderRequests } from './replication/leader-requests';
import { LogWindow } from './replication/log-window';
import { Replicator } from './replication/replicator';
import { StateMachine } from './state-machine';

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly logger?: Logger;
  /** As of `DiskStoreOptions`. */
  readonly metrics?: Registry;
  /** As of `DiskStoreOptions`. */
  readonly maxRequestBytes?: number;
  readonly quotaBytes?: number;
}

const MEMBER_ID = 1n;

/** The same state machine without a disk: for tests, and for clusters that nobody wants to keep. */
export function createMemoryStore(options: MemoryStoreOptions): LocalStore {
  const { clock, logger, maxRequestBytes, quotaBytes } = options;
  const metrics = createMemberMetrics(options.metrics ?? new Registry());
  const machine = new StateMachine();
  machine.membership.founder = MEMBER_ID;
  const log = new LogWindow(
    { index: 0, term: 0 },
    () => machine.membership.confState,
    () => undefined,
  );
  const journal = new MemoryJournal();
  const memberId = MEMBER_ID;
  const replicator = new Replicator({
    clock,
    logger,
    metrics,
    machine,
    log,
    journal,
    memberId,
    random: Math.random,
    maxRequestBytes,
  });
  const store = new ReplicatedStore({
    clock,
    logger,
    metrics,
    replicator,
    requests: new LeaderRequests(clock, replicator, undefined),
    machine,
    identity: { clusterId: 1n, memberId },
    newLeaseId: randomLeaseId,
    isAlone: true,
    quotaBytes,
  });
  // Whatever goes wrong here, each request hears of.
  store.start().catch(() => undefined);
  return store;
}

/** 63 bits, so that the id is positive as etcd's are. */
export function randomLeaseId(): bigint {
  return BigInt.asUintN(63, crypto.randomBytes(8).readBigUInt64LE());
}
