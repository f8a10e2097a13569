import { status } from '@grpc/grpc-js';
import { type Key, type KeyValue, type KeyValueStore, StoreError, type TxnResponse } from '#store';
import { RpcError } from './status';

/** etcd's `concurrency` package: who made the oldest key under a prefix holds the lock, or leads. */

/** Of a lease that a caller did not bring: nobody renews it. */
const DEFAULT_TTL_SECONDS = 60;

export interface Claim {
  readonly prefix: Key;
  readonly key: Key;
  readonly lease: bigint;
  /** Of the key's creation: the place in the queue. */
  readonly revision: number;
  readonly response: TxnResponse;
  /** What was there already. */
  readonly existing: KeyValue | undefined;
}

/** Puts `<name>/<lease in hexadecimal>`, unless it is there already, and so queues up. */
export async function claim(store: KeyValueStore, name: Key, lease: bigint, value: Uint8Array): Promise<Claim> {
  const id = lease === 0n ? (await store.leaseGrant(DEFAULT_TTL_SECONDS)).id : lease;
  const prefix = `${name}/`;
  const key = `${prefix}${BigInt.asUintN(64, id).toString(16)}`;
  const response = await store.txn({
    compare: [{ key, target: 'create', result: 'equal', operand: 0 }],
    success: [{ type: 'put', request: { key, value, lease: id } }],
    failure: [{ type: 'range', request: { key } }],
  });
  const [first] = response.responses;
  const existing = first?.type === 'range' ? first.response.kvs[0] : undefined;
  return { prefix, key, lease: id, revision: existing?.createRevision ?? response.revision, response, existing };
}

/** Resolves when all keys under the prefix that are older than the claim are gone; takes the claim back if it is given up. */
export async function untilFirst(
  store: KeyValueStore,
  { prefix, key, revision }: Claim,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (;;) {
      const before = await newest(store, prefix, revision - 1);
      if (before.kv === undefined) return;
      await untilDeleted(store, before.kv.key, before.revision, signal);
    }
  } catch (error) {
    // Who has given up must not be waited for.
    if (signal.aborted) await store.deleteRange({ key });
    throw error;
  }
}

/** The oldest key under a prefix. @param at the revision to look at; absent: now */
export async function oldest(
  store: KeyValueStore,
  prefix: Key,
  at?: number,
): Promise<{ kv: KeyValue | undefined; revision: number }> {
  const { kvs, revision } = await store.range({
    revision: at,
    key: prefix,
    rangeEnd: endOfPrefix(prefix),
    sort: { target: 'create', order: 'ascend' },
    limit: 1,
  });
  return { kv: kvs[0], revision };
}

async function newest(
  store: KeyValueStore,
  prefix: Key,
  maxCreateRevision: number,
): Promise<{ kv: KeyValue | undefined; revision: number }> {
  const { kvs, revision } = await store.range({
    key: prefix,
    rangeEnd: endOfPrefix(prefix),
    sort: { target: 'create', order: 'descend' },
    maxCreateRevision,
    limit: 1,
  });
  return { kv: kvs[0], revision };
}

function untilDeleted(store: KeyValueStore, key: Key, revision: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => finish(() => reject(signal.reason as Error));
    const finish = (settle: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      watch.cancel();
      settle();
    };
    const watch = store.watch(
      { key, startRevision: revision + 1, filters: ['no-put'] },
      { onBatch: () => finish(resolve), onEnd: (error) => finish(() => reject(error)) },
    );
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** The first key behind all that begin with the prefix, which ends with a slash. */
export function endOfPrefix(prefix: Key): Key {
  return `${prefix.slice(0, -1)}0`;
}

/**
 * etcd's lock and election services are clients of its own server, and pass on what that refuses as a text without a code. So do these.
 */
export function asClient<Methods extends object>(methods: Methods): Methods {
  const wrapped = Object.entries(methods).map(([name, method]) => [
    name,
    (request: unknown, call: unknown) =>
      (method as (request: unknown, call: unknown) => Promise<unknown>)(request, call).catch((error: unknown) => {
        const isRefusal = error instanceof StoreError && error.code !== 'closed' && error.code !== 'unavailable';
        throw isRefusal ? new RpcError(status.UNKNOWN, error.message) : error;
      }),
  ]);
  return Object.fromEntries(wrapped) as Methods;
}

/** As etcd's, which says of these neither more nor in a better code. */
export const concurrencyErrors = {
  notLeader: () => new RpcError(status.UNKNOWN, 'election: not leader'),
  noLeader: () => new RpcError(status.UNKNOWN, 'election: no leader'),
  noLeaderKey: () => new RpcError(status.UNKNOWN, '"leader" field must be provided'),
  sessionExpired: () => new RpcError(status.UNKNOWN, 'mutex: session is expired'),
};
