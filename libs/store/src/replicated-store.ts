import { type Clock } from '#machinery';
import { type Logger } from '#telemetry';
import { type AuthoredStore, type LocalStore, type StoreAdministration } from './administration';
import { type Author } from './auth/auth-change';
import { type Command } from './command';
import { type CommitLog } from './commit-log';
import { Committer, type CommitterHooks } from './committer';
import { storeErrors } from './errors';
import {
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type LeaseStatus,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type StoreError,
  type StoreStatus,
  type TxnRequest,
  type TxnResponse,
  type Watch,
  type WatchHandler,
  type WatchRequest,
} from './key-value-store';
import { Lessor } from './lessor';
import { LocalAdministration } from './local-administration';
import { MIN_LEASE_TTL } from './mvcc/leases';
import { Transaction } from './mvcc/transaction';
import { DEFAULT_QUOTA_BYTES, growthOf } from './quota';
import { type Responses, type StateMachine } from './state-machine';
import { checkKeyRange, checkLeaseTtl, checkPut, checkRange, checkTxn, checkWhole, isReadOnly } from './validate';
import { WatchHub } from './watch-hub';

/** Keys that a range read looks at before it lets others run: below 2 ms. */
const SCAN_SLICE = 4_000;

export interface ReplicatedStoreOptions {
  readonly clock: Clock;
  readonly log: CommitLog;
  readonly machine: StateMachine;
  readonly identity: { readonly clusterId: bigint; readonly memberId: bigint };
  /** Never 0 and never used before: 63 random bits. */
  readonly newLeaseId: () => bigint;
  readonly logger?: Logger;
  /** What keys and values of one request may take together; etcd's `--max-request-bytes`. Default 1.5 MiB. */
  readonly maxRequestBytes?: number;
  /** Bytes of keys and values at which writes that grow are refused; etcd's `--quota-backend-bytes`. Default 2 GiB. */
  readonly quotaBytes?: number;
  /** Called after each applied batch with the bytes it took in the log. */
  readonly onBatch?: (bytes: number) => void;
}

/** `KeyValueStore` over a log and a state machine. */
export class ReplicatedStore implements AuthoredStore, LocalStore {
  readonly administration: StoreAdministration;
  private readonly machine: StateMachine;
  private readonly committer: Committer;
  private readonly watches: WatchHub;
  private readonly lessor: Lessor;
  private ended: StoreError | undefined;
  private closing: Promise<void> | undefined;
  private isReleasing = false;
  private compactionHolds = 0;

  constructor(private readonly options: ReplicatedStoreOptions) {
    const { machine } = options;
    this.machine = machine;
    this.watches = new WatchHub(machine.keyspace, (err) => options.logger?.error({ err }, 'a watch handler failed'));
    const hooks: CommitterHooks = {
      onApplied: (command, { error, changes }) => {
        if (error === undefined && command.type === 'lease-grant') this.lessor.granted(command.id);
        if (error === undefined && command.type === 'lease-revoke') this.lessor.revoked(command.id);
        this.watches.publish(machine.keyspace.revision, changes);
      },
      onBatch: (bytes) => options.onBatch?.(bytes),
      onFailure: (error) => this.fail(error),
    };
    this.committer = new Committer(options.log, machine, hooks, options.maxRequestBytes);
    this.lessor = new Lessor(
      options.clock,
      machine.leases,
      {
        revoke: (id) => this.committer.propose({ type: 'lease-revoke', id }),
        checkpoint: (checkpoints) => this.committer.propose({ type: 'lease-checkpoint', checkpoints }),
      },
      (err) => options.logger?.warn({ err }, 'lease proposal failed'),
    );
    this.lessor.start();
    this.administration = new LocalAdministration({
      store: this,
      machine,
      identity: options.identity,
      quotaBytes: options.quotaBytes ?? DEFAULT_QUOTA_BYTES,
      propose: (command) => this.committer.propose(command),
      hold: () => this.holdCompaction(),
      releaseSlice: () => this.compactionHolds > 0 || this.ended !== undefined || machine.keyspace.releaseSlice(),
    });
  }

  async range(request: RangeRequest): Promise<RangeResponse> {
    this.checkOpen();
    checkRange(request);
    const { keyspace } = this.machine;
    const scan = keyspace.scan(request);
    while (!scan.step(SCAN_SLICE)) {
      await nextTurn();
      this.checkOpen();
      // Older versions may have been released meanwhile; the newest are safe in the scan's clone.
      if (request.revision) keyspace.checkRevision(request.revision);
    }
    return scan.result();
  }

  async put(request: PutRequest, author?: Author): Promise<PutResponse> {
    checkPut(request);
    return this.propose({ type: 'put', request, author });
  }

  async deleteRange(request: DeleteRangeRequest, author?: Author): Promise<DeleteRangeResponse> {
    checkKeyRange(request);
    return this.propose({ type: 'delete', request, author });
  }

  async txn(request: TxnRequest, author?: Author): Promise<TxnResponse> {
    checkTxn(request);
    if (!isReadOnly(request)) return this.propose({ type: 'txn', request, author });
    this.checkOpen();
    return new Transaction(this.machine.keyspace, this.machine.leases).txn(request);
  }

  async compact(revision: number, author?: Author): Promise<void> {
    checkWhole('revision', revision);
    await this.propose({ type: 'compact', revision, author });
    this.releaseCompacted();
  }

  watch(request: WatchRequest, handler: WatchHandler): Watch {
    checkKeyRange(request);
    return this.watches.watch(request, handler);
  }

  async leaseGrant(ttl: number, id = 0n, author?: Author): Promise<{ id: bigint; ttl: number }> {
    const wanted = checkLeaseTtl(ttl);
    let chosen = id;
    while (chosen === 0n || (id === 0n && this.machine.leases.get(chosen))) chosen = this.options.newLeaseId();
    const granted = Math.max(MIN_LEASE_TTL, wanted);
    return this.propose({ type: 'lease-grant', id: chosen, ttl: granted, author });
  }

  leaseRevoke(id: bigint, author?: Author): Promise<void> {
    return this.propose({ type: 'lease-revoke', id, author });
  }

  async leaseKeepAlive(id: bigint): Promise<number> {
    this.checkOpen();
    return this.lessor.renew(id);
  }

  async leaseStatus(id: bigint): Promise<LeaseStatus> {
    this.checkOpen();
    const lease = this.machine.leases.get(id);
    const ttl = this.lessor.remaining(id);
    if (lease === undefined || ttl === undefined) return { id, ttl: -1, grantedTtl: 0, keys: [] };
    return { id, ttl, grantedTtl: lease.ttl, keys: [...lease.keys].sort() };
  }

  async leases(): Promise<readonly bigint[]> {
    this.checkOpen();
    return Array.from(this.machine.leases.all(), ({ id }) => id);
  }

  async status(): Promise<StoreStatus> {
    this.checkOpen();
    const { keyspace, appliedIndex, appliedTerm } = this.machine;
    return {
      revision: keyspace.revision,
      compactRevision: Math.max(0, keyspace.compactRevision),
      term: appliedTerm,
      appliedIndex,
      size: keyspace.size,
      ...this.options.identity,
    };
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** While held, versions stay linked as they are, so that a picture of the tree keeps its history. */
  holdCompaction(): () => void {
    this.compactionHolds++;
    return () => {
      this.compactionHolds--;
      this.releaseCompacted();
    };
  }

  private propose<C extends Command>(command: C): Promise<Responses[C['type']]> {
    const growth = growthOf(command);
    const isTooMuch = growth > 0 && this.machine.keyspace.size + growth > this.administration.quotaBytes;
    return isTooMuch ? this.refuseForSpace() : this.committer.propose(command);
  }

  private async refuseForSpace(): Promise<never> {
    const { memberId } = this.options.identity;
    if (!this.machine.alarms.isRaised('nospace')) {
      this.options.logger?.error({ quotaBytes: this.administration.quotaBytes }, 'the store has come to its quota');
      await this.administration.changeAlarm('raise', { type: 'nospace', memberId });
    }
    throw storeErrors.quotaExceeded();
  }

  private async shutDown(): Promise<void> {
    this.lessor.stop();
    await this.committer.drain(storeErrors.stopped());
    this.ended ??= storeErrors.stopped();
    this.watches.endAll(this.ended);
    await this.options.log.close();
  }

  private fail(error: StoreError): void {
    this.ended ??= error;
    this.lessor.stop();
    this.options.logger?.fatal({ err: error }, 'the store has stopped');
    this.watches.endAll(error);
  }

  private checkOpen(): void {
    if (this.ended !== undefined) throw this.ended;
  }

  private releaseCompacted(): void {
    if (this.isReleasing) return;
    this.isReleasing = true;
    const step = (): void => {
      this.isReleasing = false;
      if (this.compactionHolds > 0 || this.ended !== undefined) return;
      if (this.machine.keyspace.releaseSlice()) return;
      this.isReleasing = true;
      setImmediate(step);
    };
    setImmediate(step);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
