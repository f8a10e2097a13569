import { type KeyValueStore, type LocalStore, type StoreStatus } from '#store';
import { Gauge, type Registry } from '#telemetry';
import { API_VERSION, CLUSTER_VERSION } from './maintenance-service';

/** What is read off the store whenever somebody asks, by etcd's names. */
const gauges: readonly {
  readonly name: string;
  readonly help: string;
  readonly of: (status: StoreStatus) => number;
}[] = [
  {
    name: 'etcd_server_is_leader',
    help: 'Whether this member leads.',
    of: ({ leader, memberId }) => Number(leader === undefined || leader === memberId),
  },
  {
    name: 'etcd_server_is_learner',
    help: 'Whether it only learns.',
    of: ({ isLearner }) => Number(isLearner ?? false),
  },
  {
    name: 'etcd_server_proposals_committed_total',
    help: 'Entries of the log that are committed.',
    of: ({ raftIndex, appliedIndex }) => raftIndex ?? appliedIndex,
  },
  {
    name: 'etcd_server_proposals_applied_total',
    help: 'Entries of the log that are applied.',
    of: ({ appliedIndex }) => appliedIndex,
  },
  { name: 'etcd_mvcc_db_total_size_in_bytes', help: 'Bytes of keys and values held.', of: ({ size }) => size },
  {
    name: 'etcd_mvcc_db_total_size_in_use_in_bytes',
    help: 'The same: nothing is held for later.',
    of: ({ size }) => size,
  },
  { name: 'etcd_debugging_mvcc_current_revision', help: 'The newest revision.', of: ({ revision }) => revision },
  {
    name: 'etcd_debugging_mvcc_compact_revision',
    help: 'The revision of the last compaction.',
    of: ({ compactRevision = 0 }) => compactRevision,
  },
];

/** Of the API. */
const versions = [
  ['etcd_server_version', 'server_version', API_VERSION, 'The version of this member.'],
  ['etcd_cluster_version', 'cluster_version', CLUSTER_VERSION, 'The version that all members understand.'],
] as const;

export function registerStoreMetrics(registry: Registry, store: KeyValueStore & Partial<LocalStore>): void {
  const registers = [registry];
  for (const { name, help, of } of gauges) {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const status = await statusOf(store);
        if (status !== undefined) this.set(of(status));
      },
    });
  }
  new Gauge({
    name: 'etcd_server_has_leader',
    help: 'Whether there is a leader.',
    registers,
    async collect() {
      const status = await statusOf(store);
      this.set(status === undefined || status.leader === 0n ? 0 : 1);
    },
  });
  for (const [name, label, version, help] of versions) {
    new Gauge({ name, help, registers, labelNames: [label] }).set({ [label]: version }, 1);
  }
  new Gauge({
    name: 'etcd_server_id',
    help: 'This member.',
    registers,
    labelNames: ['server_id'],
    async collect() {
      const status = await statusOf(store);
      if (status !== undefined) this.set({ server_id: status.memberId.toString(16) }, 1);
    },
  });
  const { administration } = store;
  if (administration === undefined) return;
  const quota = new Gauge({
    name: 'etcd_server_quota_backend_bytes',
    help: 'Bytes of keys and values at which writes are refused.',
    registers,
  });
  quota.set(administration.quotaBytes);
}

/** Undefined: the store has stopped, which is what the metric is to say. */
function statusOf(store: KeyValueStore): Promise<StoreStatus | undefined> {
  return store.status().catch(() => undefined);
}
