import { type KeyValueStore, StoreError, type Watch, type WatchHandler } from '#store';

/** A store whose watches can be ended as if they had been away for longer than it remembers: who watches has to begin anew. */
export interface ForgetfulStore extends KeyValueStore {
  forget(): void;
}

export function forgetful(store: KeyValueStore): ForgetfulStore {
  const watches = new Map<Watch, WatchHandler>();
  return {
    range: (request) => store.range(request),
    put: (request) => store.put(request),
    deleteRange: (request) => store.deleteRange(request),
    txn: (request) => store.txn(request),
    compact: (revision) => store.compact(revision),
    leaseGrant: (ttl, id) => store.leaseGrant(ttl, id),
    leaseRevoke: (id) => store.leaseRevoke(id),
    leaseKeepAlive: (id) => store.leaseKeepAlive(id),
    leaseStatus: (id) => store.leaseStatus(id),
    leases: () => store.leases(),
    status: () => store.status(),
    close: () => store.close(),
    watch(request, handler) {
      const watch = store.watch(request, handler);
      watches.set(watch, handler);
      return watch;
    },
    forget() {
      const open = [...watches];
      watches.clear();
      for (const [watch, handler] of open) {
        watch.cancel();
        handler.onEnd(new StoreError('compacted', 'etcdserver: mvcc: required revision has been compacted'));
      }
    },
  };
}
