import { type Clock } from '#machinery';
import { type Logger } from '#telemetry';
import { type AuthoredStore, type LocalStore } from './administration';
import { type Author } from './auth/auth-change';
import { type Command } from './command';
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
import { type MemberMetrics } from './member-metrics';
import { type Keyspace } from './mvcc/keyspace';
import { MIN_LEASE_TTL } from './mvcc/leases';
import { Transaction } from './mvcc/transaction';
import { type LeaderRequests } from './replication/leader-requests';
import { Leaseholder, type LeaseRequest } from './leaseholder';
import { handOver } from './replication/hand-over';
import { type Replicator } from './replication/replicator';
import { type ReplicatorHooks } from './replication/replicator-options';
import { DEFAULT_QUOTA_BYTES, growthOf } from './quota';
import { type Responses, type StateMachine } from './state-machine';
import { checkKeyRange, checkLeaseTtl, checkPut, checkRange, checkTxn, checkWhole, isReadOnly } from './validate';
import { WatchHub } from './watch-hub';

/** Keys that a range read looks at before it lets others run: below 2 ms. */
const SCAN_SLICE = 4_000;

export interface ReplicatedStoreOptions {
  readonly clock: Clock;
  readonly replicator: Replicator;
  readonly requests: LeaderRequests;
  /** There are no other members, and never will be. */
  readonly isAlone: boolean;
  readonly machine: StateMachine;
  readonly identity: { readonly clusterId: bigint; readonly memberId: bigint };
  /** Never 0 and never used before: 63 random bits. */
  readonly newLeaseId: () => bigint;
  readonly logger?: Logger;
  readonly metrics: MemberMetrics;
  /** Bytes of keys and values at which writes that grow are refused; etcd's `--quota-backend-bytes`. Default 2 GiB. */
  readonly quotaBytes?: number;
  /** Called after each applied batch with the bytes it took in the log. */
  readonly onBatch?: (bytes: number) => void;
  readonly onMembers?: () => void;
  /** Called when nothing will be done any more, and nobody has asked for that. */
  readonly onFailure?: (error: StoreError) => void;
  /** Called at the end of `close`, and not before. */
  readonly onClose?: () => Promise<void>;
}

/** There are no keys: another member's snapshot takes their place. */
interface Absence {
  readonly before: Pick<Keyspace, 'revision' | 'compactRevision' | 'size'>;
  readonly over: Promise<void>;
  end(): void;
}

/** `KeyValueStore` over a replicated log and a state machine. */
export class ReplicatedStore implements AuthoredStore, LocalStore {
  readonly administration: LocalAdministration;
  private readonly machine: StateMachine;
  private readonly replicator: Replicator;
  private readonly watches: WatchHub;
  private readonly lessor: Lessor;
  private readonly leaseholder: Leaseholder;
  private ended: StoreError | undefined;
  private closing: Promise<void> | undefined;
  private isReleasing = false;
  private isRaising = false;
  private compactionHolds = 0;
  private absence: Absence | undefined;

  constructor(private readonly options: ReplicatedStoreOptions) {
    const { clock, machine, replicator, requests } = options;
    this.machine = machine;
    this.replicator = replicator;
    const onHandlerError = (err: unknown): void => options.logger?.error({ err }, 'a watch handler failed');
    this.watches = new WatchHub(() => machine.keyspace, onHandlerError);
    this.lessor = new Lessor(
      clock,
      () => machine.leases,
      {
        revoke: async (id) => {
          await replicator.proposeAsLeader({ type: 'lease-revoke', id });
          options.metrics.leasesExpired.inc();
        },
        checkpoint: (checkpoints) => replicator.proposeAsLeader({ type: 'lease-checkpoint', checkpoints }),
      },
      (err) => options.logger?.warn({ err }, 'lease proposal failed'),
    );
    this.leaseholder = new Leaseholder({
      replicator,
      requests,
      lessor: this.lessor,
      leases: () => machine.leases,
      linearize: () => this.linearize(),
      checkOpen: () => this.checkOpen(),
      metrics: options.metrics,
    });
    this.administration = new LocalAdministration({
      store: this,
      machine: this.machine,
      identity: options.identity,
      clock,
      quotaBytes: options.quotaBytes ?? DEFAULT_QUOTA_BYTES,
      propose: (command) => this.replicator.propose(command),
      hasLeader: () => this.replicator.leader !== 0n,
      linearize: () => this.linearize(),
      hold: () => this.holdCompaction(),
      present: () => this.present(),
      releaseSlice: () => this.releaseSlice(),
    });
    replicator.attach(this.hooks());
  }

  /** Resolves when the store can be used: at once if it is one of many, when it leads if it is alone. */
  start(): Promise<void> {
    return this.replicator.start();
  }

  async range(request: RangeRequest): Promise<RangeResponse> {
    this.checkOpen();
    checkRange(request);
    const wait = request.serializable ? this.present() : this.linearize();
    if (wait !== undefined) await wait;
    this.options.metrics.ranges.inc();
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
    // As a range: whatever it reads, it need not be in the log to have its place in the order of writes.
    const wait = isSerializable(request) ? this.present() : this.linearize();
    if (wait !== undefined) await wait;
    const response = new Transaction(this.machine.keyspace, this.machine.leases).txn(request);
    this.options.metrics.transacted(response);
    return response;
  }

  async compact(revision: number, author?: Author): Promise<void> {
    checkWhole('revision', revision);
    await this.propose({ type: 'compact', revision, author });
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
    return this.leaseholder.keepAlive(id);
  }

  async leaseStatus(id: bigint): Promise<LeaseStatus> {
    this.checkOpen();
    return this.leaseholder.status(id);
  }

  /** What another member asks of this one, which it takes for the leader. */
  answerLease(request: LeaseRequest): Promise<Buffer> {
    return this.leaseholder.answer(request);
  }

  async leases(): Promise<readonly bigint[]> {
    this.checkOpen();
    return Array.from(this.machine.leases.all(), ({ id }) => id);
  }

  async status(): Promise<StoreStatus> {
    this.checkOpen();
    const { appliedIndex } = this.machine;
    const { revision, compactRevision, size } = this.extent;
    const { term, commit } = this.replicator.status();
    return {
      revision,
      compactRevision: Math.max(0, compactRevision),
      term,
      appliedIndex,
      size,
      ...this.options.identity,
      leader: this.replicator.leader,
      raftIndex: commit,
      isLearner: this.administration.standing.isLearner,
      errors: this.replicator.errors,
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

  private hooks(): ReplicatorHooks {
    const { machine, lessor } = this;
    return {
      onApplied: (command, outcome) => {
        const { error, changes } = outcome;
        this.options.metrics.applied(command, outcome);
        if (error === undefined && command.type === 'lease-grant') lessor.granted(command.id);
        if (error === undefined && command.type === 'lease-revoke') lessor.revoked(command.id);
        if (error === undefined && command.type === 'compact') this.releaseCompacted();
        if (error === undefined) this.administration.onApplied(command, outcome.response);
        if (growthOf(command) > 0) this.raiseIfFull();
        this.watches.publish(machine.keyspace.revision, changes);
      },
      onBatch: (bytes) => this.options.onBatch?.(bytes),
      onLeadership: (isLeader) => {
        if (!isLeader) lessor.demote();
        // Who led before may have renewed them until it noticed. Nobody else has, if there is nobody.
        else lessor.promote(this.options.isAlone ? 0 : this.replicator.electionMs);
      },
      onMembers: () => this.options.onMembers?.(),
      onInstalling: () => this.beAbsent(),
      onInstalled: () => {
        this.absence?.end();
        this.watches.resume();
        this.releaseCompacted();
      },
      onFailure: (error) => this.fail(error),
    };
  }

  /** Undefined: there is nothing to wait for, and not even a microtask passes. */
  private linearize(): Promise<void> | undefined {
    return this.replicator.linearize()?.then(() => this.checkOpen());
  }

  /** Undefined: there is a state to be read. */
  private present(): Promise<void> | undefined {
    return this.absence?.over.then(() => this.checkOpen());
  }

  private beAbsent(): void {
    const { revision, compactRevision, size } = this.machine.keyspace;
    let resolve: () => void = () => undefined;
    const over = new Promise<void>((done) => {
      resolve = done;
    });
    const end = (): void => {
      this.absence = undefined;
      resolve();
    };
    this.absence = { before: { revision, compactRevision, size }, over, end };
    this.watches.pause();
  }

  private get extent(): Absence['before'] {
    return this.absence?.before ?? this.machine.keyspace;
  }

  private propose<C extends Command>(command: C): Promise<Responses[C['type']]> {
    const growth = growthOf(command);
    const isTooMuch = growth > 0 && this.extent.size + growth > this.administration.quotaBytes;
    return isTooMuch ? this.refuseForSpace() : this.replicator.propose(command);
  }

  private async refuseForSpace(): Promise<never> {
    await this.raiseNoSpace();
    throw storeErrors.quotaExceeded();
  }

  /** What each write was let in for may be too much together, or another member has a larger quota. */
  private raiseIfFull(): void {
    if (this.isRaising || this.machine.keyspace.size <= this.administration.quotaBytes) return;
    this.isRaising = true;
    this.raiseNoSpace()
      .catch((err: unknown) => this.options.logger?.warn({ err }, 'no alarm could be raised'))
      .finally(() => (this.isRaising = false));
  }

  private async raiseNoSpace(): Promise<void> {
    if (this.machine.alarms.isRaised('nospace')) return;
    const { quotaBytes } = this.administration;
    this.options.logger?.error({ quotaBytes }, 'the store has come to its quota');
    const { memberId } = this.options.identity;
    await this.administration.changeAlarm('raise', { type: 'nospace', memberId });
  }

  private async shutDown(): Promise<void> {
    await handOver(this.replicator, this.options.clock);
    this.lessor.demote();
    await this.replicator.stop(storeErrors.stopped());
    this.ended ??= storeErrors.stopped();
    this.watches.endAll(this.ended);
    this.absence?.end();
    await this.options.onClose?.();
  }

  private fail(error: StoreError): void {
    this.ended ??= error;
    this.lessor.demote();
    this.options.logger?.fatal({ err: error }, 'the store has stopped');
    this.watches.endAll(error);
    this.absence?.end();
    this.options.onFailure?.(error);
  }

  private checkOpen(): void {
    if (this.ended !== undefined) throw this.ended;
  }

  /** @returns true: nothing is left, or nothing may be let go of now */
  private releaseSlice(): boolean {
    const mayNot = this.compactionHolds > 0 || this.ended !== undefined || this.absence !== undefined;
    return mayNot || this.machine.keyspace.releaseSlice();
  }

  private releaseCompacted(): void {
    if (this.isReleasing) return;
    this.isReleasing = true;
    const step = (): void => {
      this.isReleasing = false;
      if (this.releaseSlice()) return;
      this.isReleasing = true;
      setImmediate(step);
    };
    setImmediate(step);
  }
}

function isSerializable(request: TxnRequest): boolean {
  return [...request.success, ...(request.failure ?? [])].every(
    (operation) =>
      (operation.type === 'range' && operation.request.serializable === true) ||
      (operation.type === 'txn' && isSerializable(operation.request)),
  );
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
