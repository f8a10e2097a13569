import { Counter, Gauge, Histogram, type Registry } from '#telemetry';
import { type Command } from './command';
import { type TxnResponse } from './key-value-store';
import { type Outcome } from './state-machine';

/** What one member measures of itself, by etcd's names. Durations are seconds. */
export interface MemberMetrics {
  readonly walFsync: Histogram;
  readonly walBytes: Gauge;
  readonly apply: Histogram;
  readonly slowApplies: Counter;
  readonly leaderChanges: Counter;
  readonly proposalsFailed: Counter;
  readonly readIndexesFailed: Counter;
  readonly slowReadIndexes: Counter;
  readonly ranges: Counter;
  readonly leasesRenewed: Counter;
  readonly leasesExpired: Counter;
  /** A command has been applied, here as on every other member. */
  applied(command: Command, outcome: Outcome): void;
  /** A transaction was carried out, if only to read. */
  transacted(response: TxnResponse): void;
  /** @param pending proposals that wait for their answer, asked for whenever somebody looks */
  onPending(pending: () => number): void;
}

/** 1 ms to 8 s, each twice the one before: what etcd has for disks. */
const buckets = Array.from({ length: 14 }, (_, power) => 0.001 * 2 ** power);

export function createMemberMetrics(registry: Registry): MemberMetrics {
  const registers = [registry];
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers });
  const histogram = (name: string, help: string): Histogram => new Histogram({ name, help, registers, buckets });

  const puts = counter('etcd_mvcc_put_total', 'Puts applied.');
  const deletes = counter('etcd_mvcc_delete_total', 'Deletions applied.');
  const ranges = counter('etcd_mvcc_range_total', 'Ranges read.');
  const txns = counter('etcd_mvcc_txn_total', 'Transactions of more than one operation.');
  const events = counter('etcd_debugging_mvcc_events_total', 'Changes of keys that watchers could see.');
  const granted = counter('etcd_debugging_lease_granted_total', 'Leases granted.');
  const revoked = counter('etcd_debugging_lease_revoked_total', 'Leases ended, by request or by time.');

  const transacted = (response: TxnResponse): void => {
    const count = { put: 0, delete: 0, range: 0 };
    countOperations(response, count);
    puts.inc(count.put);
    deletes.inc(count.delete);
    ranges.inc(count.range);
    if (count.put + count.delete + count.range > 1) txns.inc();
  };

  return {
    transacted,
    walFsync: histogram('etcd_disk_wal_fsync_duration_seconds', 'How long fdatasync of the log takes.'),
    walBytes: new Gauge({ name: 'etcd_disk_wal_write_bytes_total', help: 'Bytes written to the log.', registers }),
    apply: histogram('etcd_disk_backend_commit_duration_seconds', 'How long it takes to apply a batch of entries.'),
    slowApplies: counter('etcd_server_slow_apply_total', 'Batches that took more than 100 ms to apply.'),
    leaderChanges: counter('etcd_server_leader_changes_seen_total', 'Leaders seen one after the other.'),
    proposalsFailed: counter('etcd_server_proposals_failed_total', 'Proposals that were given up.'),
    readIndexesFailed: counter('etcd_server_read_indexes_failed_total', 'Linearizable reads that were given up.'),
    slowReadIndexes: counter('etcd_server_slow_read_indexes_total', 'Questions for a leader asked again.'),
    ranges,
    leasesRenewed: counter('etcd_debugging_lease_renewed_total', 'Leases renewed, by this member as the leader.'),
    leasesExpired: counter('etcd_debugging_server_lease_expired_total', 'Leases whose time was over.'),
    applied(command, outcome) {
      if (outcome.error !== undefined) return;
      if (outcome.changes.length > 0) events.inc(outcome.changes.length);
      switch (command.type) {
        case 'put':
          return puts.inc();
        case 'delete':
          return deletes.inc();
        case 'txn':
          return transacted(outcome.response as TxnResponse);
        case 'lease-grant':
          return granted.inc();
        case 'lease-revoke':
          return revoked.inc();
      }
    },
    onPending(pending) {
      new Gauge({
        name: 'etcd_server_proposals_pending',
        help: 'Proposals on their way.',
        registers,
        collect() {
          this.set(pending());
        },
      });
    },
  };
}

/** What a transaction has carried out. */
function countOperations({ responses }: TxnResponse, count: { put: number; delete: number; range: number }): void {
  for (const operation of responses) {
    if (operation.type === 'txn') countOperations(operation.response, count);
    else count[operation.type]++;
  }
}
