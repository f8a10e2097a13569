import { type AuthoredStore } from '../administration';
import {
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type KeyValueStore,
  type LeaseStatus,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type StoreStatus,
  type TxnRequest,
  type TxnResponse,
  type Watch,
  type WatchHandler,
  type WatchRequest,
} from '../key-value-store';
import { type StateMachine } from '../state-machine';
import { isReadOnly } from '../validate';
import { type Author } from './auth-change';
import { authErrors } from './auth-errors';
import { authorizeTxn } from './authorize';
import { type Access } from './permissions';

/** A store as one author may use it. */
export class AuthorizedStore implements KeyValueStore {
  constructor(
    private readonly store: AuthoredStore,
    private readonly machine: Pick<StateMachine, 'auth' | 'leases'>,
    private readonly author: Author,
  ) {}

  range(request: RangeRequest): Promise<RangeResponse> {
    return this.read(
      () => this.machine.auth.check(this.author, 'read', request),
      () => this.store.range(request),
    );
  }

  put(request: PutRequest): Promise<PutResponse> {
    return this.store.put(request, this.author);
  }

  deleteRange(request: DeleteRangeRequest): Promise<DeleteRangeResponse> {
    return this.store.deleteRange(request, this.author);
  }

  txn(request: TxnRequest): Promise<TxnResponse> {
    if (!isReadOnly(request)) return this.store.txn(request, this.author);
    return this.read(
      () => authorizeTxn(this.machine.auth, this.machine.leases, this.author, request),
      () => this.store.txn(request),
    );
  }

  compact(revision: number): Promise<void> {
    return this.store.compact(revision, this.author);
  }

  watch(request: WatchRequest, handler: WatchHandler): Watch {
    this.machine.auth.check(this.author, 'read', request);
    return this.store.watch(request, handler);
  }

  leaseGrant(ttl: number, id?: bigint): Promise<{ id: bigint; ttl: number }> {
    return this.store.leaseGrant(ttl, id, this.author);
  }

  leaseRevoke(id: bigint): Promise<void> {
    return this.store.leaseRevoke(id, this.author);
  }

  /** Rejects if the lease has a key that the author may not write: to keep it is as good as to put it. */
  leaseKeepAlive(id: bigint): Promise<number> {
    return this.read(
      () => {
        this.machine.auth.checkUser(this.author);
        this.checkKeys(id, 'write');
      },
      () => this.store.leaseKeepAlive(id),
    );
  }

  /** Rejects if the lease has a key that the author may not read. */
  leaseStatus(id: bigint): Promise<LeaseStatus> {
    return this.read(
      () => {
        this.machine.auth.checkUser(this.author);
        this.checkKeys(id, 'read');
      },
      () => this.store.leaseStatus(id),
    );
  }

  /** Rejects if any has a key that the author may not read. */
  leases(): Promise<readonly bigint[]> {
    return this.read(
      () => {
        this.machine.auth.checkUser(this.author);
        for (const { id } of this.machine.leases.all()) this.checkKeys(id, 'read');
      },
      () => this.store.leases(),
    );
  }

  status(): Promise<StoreStatus> {
    return this.store.status();
  }

  /** The store itself stays open. */
  async close(): Promise<void> {
    // Nothing to release.
  }

  private checkKeys(lease: bigint, access: Access): void {
    const { auth, leases } = this.machine;
    if (!auth.isEnabled) return;
    for (const key of leases.get(lease)?.keys ?? []) auth.check(this.author, access, { key });
  }

  /** What was permitted before may not be so any more when the answer is there. */
  private async read<T>(check: () => void, answer: () => Promise<T>): Promise<T> {
    check();
    const { auth } = this.machine;
    const { revision } = auth;
    const result = await answer();
    if (auth.isEnabled && this.machine.auth.revision !== revision) throw authErrors.oldRevision();
    return result;
  }
}
