import { type Alarm, Alarms } from './alarms';
import { AuthState } from './auth/auth-state';
import { authorize } from './auth/authorize';
import { type Command } from './command';
import { storeErrors } from './errors';
import { type DeleteRangeResponse, type PutResponse, StoreError, type TxnResponse } from './key-value-store';
import { Keyspace } from './mvcc/keyspace';
import { Leases } from './mvcc/leases';
import { Transaction } from './mvcc/transaction';
import { type Version } from './mvcc/version';
import { growthOf } from './quota';
import { Membership } from './replication/membership';

/** The answer to each kind of command. */
export interface Responses {
  put: PutResponse;
  delete: DeleteRangeResponse;
  txn: TxnResponse;
  compact: void;
  'lease-grant': { id: bigint; ttl: number };
  'lease-revoke': void;
  'lease-checkpoint': void;
  /** What was raised, or was before it was disarmed. */
  alarm: readonly Alarm[];
  auth: void;
  /** The index of the entry. */
  token: number;
}

export type Response = Responses[keyof Responses];

/** What a command did: an answer, or a refusal that changed nothing; and what watchers have to hear. */
export type Outcome =
  | { readonly response: Response; readonly error?: undefined; readonly changes: readonly Version[] }
  | { readonly error: StoreError; readonly changes: readonly Version[] };

const NO_CHANGES: readonly Version[] = [];

/** What still goes when a member's data are known to be damaged. */
const ADMINISTRATIVE: ReadonlySet<Command['type']> = new Set(['alarm', 'auth', 'lease-checkpoint', 'token']);

/**
 * The replicated state. It changes by `apply` alone, which reads no clock and draws no lots, so that the same commands
 * give the same state on every member and after every restart.
 */
export class StateMachine {
  private keys: Keyspace | undefined = new Keyspace();
  readonly leases = new Leases();
  readonly alarms = new Alarms();
  auth = new AuthState();
  membership = new Membership();
  appliedIndex = 0;
  appliedTerm = 0;

  /** @throws StoreError `unavailable` after `letGo` */
  get keyspace(): Keyspace {
    if (this.keys === undefined) throw storeErrors.absent();
    return this.keys;
  }

  /** @throws only on a bug, after which the state cannot be trusted; refusals are outcomes */
  apply(index: number, term: number, command: Command): Outcome {
    if (index !== this.appliedIndex + 1) throw new Error(`entry ${index} applied after ${this.appliedIndex}`);
    this.appliedIndex = index;
    this.appliedTerm = term;
    const transaction = new Transaction(this.keyspace, this.leases);
    try {
      this.check(command);
      const response = this.execute(command, transaction);
      transaction.end();
      return { response, changes: transaction.changes };
    } catch (error) {
      if (error instanceof StoreError && transaction.changes.length === 0) return { error, changes: NO_CHANGES };
      throw error;
    }
  }

  /** An entry that says nothing, as a new leader's first. */
  skip(index: number, term: number): void {
    this.appliedIndex = index;
    this.appliedTerm = term;
  }

  /** Makes room: until `become` there are no keys, and whoever wants some is refused. Everything else stays as it is. */
  letGo(): void {
    this.keys = undefined;
  }

  /** Takes the place of everything, as another member's snapshot has it. */
  become(other: StateMachine): void {
    Object.assign(this, other);
  }

  /** @throws StoreError if its author may not, or if an alarm forbids it */
  private check(command: Command): void {
    if (command.author !== undefined) authorize(this.auth, this.leases, command.author, command);
    if (this.alarms.isRaised('corrupt') && !ADMINISTRATIVE.has(command.type)) throw storeErrors.corruptCluster();
    if (this.alarms.isRaised('nospace') && growthOf(command) > 0) throw storeErrors.quotaExceeded();
  }

  private execute(command: Command, transaction: Transaction): Response {
    switch (command.type) {
      case 'put':
        return transaction.put(command.request);
      case 'delete':
        return transaction.deleteRange(command.request);
      case 'txn':
        return transaction.txn(command.request);
      case 'compact':
        return this.keyspace.compact(command.revision);
      case 'lease-grant':
        this.leases.grant(command.id, command.ttl);
        return { id: command.id, ttl: command.ttl };
      case 'lease-revoke':
        for (const key of this.leases.revoke(command.id)) transaction.deleteRange({ key });
        return;
      case 'lease-checkpoint':
        for (const { id, remaining } of command.checkpoints) {
          const lease = this.leases.get(id);
          if (lease !== undefined) lease.remaining = remaining;
        }
        return;
      case 'alarm':
        if (command.action === 'disarm') return this.alarms.disarm(command.alarm) ? [command.alarm] : [];
        this.alarms.raise(command.alarm);
        return [command.alarm];
      case 'auth':
        return this.auth.apply(command.change);
      case 'token':
        this.auth.checkBearer(command.token);
        return this.appliedIndex;
    }
  }
}
