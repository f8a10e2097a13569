import { type Fence } from '#client';
import { type KubernetesObject, serviceUnavailable, timeout, unknownError } from '#machinery';
import {
  type Compare,
  type KeyValue,
  type KeyValueStore,
  type RequestOp,
  StoreError,
  type TxnRequest,
  type TxnResponse,
} from '#store';
import { type CacheFeed, resourcePrefix } from '../cache/cache-feed';
import { FenceGuard } from './fence-guard';
import { type LeasePool } from './lease-pool';
import { type VersionedObject, decodeStored, encodeForStore } from './versioned-object';

/** More that one write must do or find in the same transaction: allocations of addresses and ports. */
export interface TransactionPart {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
}

/** What an update decides, given the current state. */
export type Decision =
  | {
      readonly type: 'put';
      readonly object: KubernetesObject;
      readonly part?: TransactionPart;
      /** The store forgets the object after this time. */
      readonly ttlSeconds?: number;
    }
  | { readonly type: 'delete'; readonly part?: TransactionPart }
  | { readonly type: 'keep' };

/** Pure: called again with newer state whenever the state that it was given turns out to be old. */
export type Decide = (current: VersionedObject | undefined) => Decision | Promise<Decision>;

export interface Outcome {
  /** The state after the write; for a deletion the state that was deleted, at the deletion's revision. */
  readonly object: VersionedObject | undefined;
  readonly written: boolean;
}

/** Conflicts before a request gives up; each one means that somebody else made progress. */
const maximumAttempts = 100;

/** Objects in the key-value store: optimistic transactions on one key, starting from what the cache shows. */
export class ObjectStorage {
  constructor(
    private readonly store: KeyValueStore,
    private readonly feed: CacheFeed,
    private readonly leases: LeasePool,
  ) {}

  /**
   * `GuaranteedUpdate`: decide, compare and swap; again with the newer state while somebody else was faster. With a fence, what is
   * written is written in that term, or not at all.
   * @throws Conflict when the fence's term is over
   */
  async update(key: string, decide: Decide, fence?: Fence): Promise<Outcome> {
    const guardian = fence === undefined ? undefined : new FenceGuard(fence, this);
    let current = this.cached(key);
    let isCurrent = false;
    for (let attempt = 0; attempt < maximumAttempts; attempt++) {
      let decision: Decision;
      try {
        decision = await decide(current);
      } catch (error) {
        if (isCurrent) throw error;
        // The verdict may rest on state that is already history.
        const latest = await this.read(key);
        isCurrent = true;
        if (latest?.revision === current?.revision) throw error;
        current = latest;
        continue;
      }
      if (decision.type === 'keep') return { object: current, written: false };
      const value = decision.type === 'put' ? encodeForStore(decision.object) : undefined;
      if (value !== undefined && decision.part === undefined && current !== undefined && value.equals(current.value)) {
        const latest = isCurrent ? current : await this.read(key);
        isCurrent = true;
        if (latest?.revision === current.revision) return { object: current, written: false };
        current = latest;
        continue;
      }
      const write: RequestOp =
        decision.type === 'put' && value !== undefined
          ? { type: 'put', request: { key, value, ...(await this.leaseOf(decision.ttlSeconds)) } }
          : { type: 'delete', request: { key } };
      const answer = await this.txn({
        compare: [
          { key, target: 'mod', result: 'equal', operand: current?.revision ?? 0 },
          ...(decision.part?.compare ?? []),
          ...((await guardian?.compare()) ?? []),
        ],
        success: [write, ...(decision.part?.success ?? [])],
        failure: [{ type: 'range', request: { key } }],
      });
      if (answer.succeeded) {
        if (value === undefined) return { object: current?.at(answer.revision), written: true };
        const seen = this.cached(key);
        const object = seen?.revision === answer.revision ? seen : decodeStored(key, value, answer.revision);
        return { object, written: true };
      }
      guardian?.outdated();
      const range = answer.responses[0];
      current = this.decode(range?.type === 'range' ? range.response.kvs[0] : undefined);
      isCurrent = true;
    }
    throw timeout('the object changed too often to be written', 1);
  }

  /** The latest state, straight from the store. */
  async read(key: string): Promise<VersionedObject | undefined> {
    const { kvs } = await guard(this.store.range({ key }));
    return this.decode(kvs[0]);
  }

  cached(key: string): VersionedObject | undefined {
    const prefix = resourcePrefix(key);
    return prefix === undefined ? undefined : this.feed.cache(prefix).get(key);
  }

  private decode(kv: KeyValue | undefined): VersionedObject | undefined {
    if (kv === undefined) return undefined;
    const cached = this.cached(kv.key);
    return cached?.revision === kv.modRevision ? cached : decodeStored(kv.key, kv.value, kv.modRevision);
  }

  private async leaseOf(ttlSeconds: number | undefined): Promise<{ lease?: bigint }> {
    return ttlSeconds === undefined ? {} : { lease: await guard(this.leases.leaseFor(ttlSeconds)) };
  }

  private txn(request: TxnRequest): Promise<TxnResponse> {
    return guard(this.store.txn(request));
  }
}

/** The store's errors as the API reports them. */
export async function guard<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    switch (error.code) {
      case 'unavailable':
      case 'closed':
        throw serviceUnavailable(error.message);
      case 'request-too-large':
      case 'no-space':
        // Upstream hands on what etcd says, as a 500 without a reason.
        throw unknownError(error.message);
      default:
        throw error;
    }
  }
}
