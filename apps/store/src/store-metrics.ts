import { type KeyValueStore, type LocalStore, type StoreStatus } from '#store';
import { Gauge, type Registry } from '#telemetry';

/** What is read off the store whenever somebody asks, by etcd's names. */
const gauges: readonly {
  readonly name: string;
  readonly help: string;
  readonly of: (status: StoreStatus) => number;
}[] = [
  { name: 'etcd_server_is_leader', help: 'Whether this member leads.', of: () => 1 },
  {
    name: 'etcd_server_proposals_committed_total',
    help: 'Entries of the log that are committed.',
    of: ({ appliedIndex }) => appliedIndex,
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
      this.set((await statusOf(store)) === undefined ? 0 : 1);
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
