import { storeErrors } from '../errors';
import {
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type KeyValue,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type ResponseOp,
  type TxnRequest,
  type TxnResponse,
} from '../key-value-store';
import { holds } from './compare';
import { type Keyspace } from './keyspace';
import { type Leases } from './leases';
import { type Version } from './version';

/** Which branch each (nested) transaction takes. Decided for all of them before anything is written, as etcd does. */
interface Path {
  readonly succeeded: boolean;
  readonly nested: readonly Path[];
}

/** One step of the state machine: any number of changes that share the next revision. */
export class Transaction {
  readonly changes: Version[] = [];
  private readonly next: number;

  constructor(
    private readonly keyspace: Keyspace,
    private readonly leases: Leases,
  ) {
    this.next = keyspace.revision + 1;
  }

  /** The revision as seen from inside: the next one as soon as something has changed. */
  private get revision(): number {
    return this.changes.length > 0 ? this.next : this.keyspace.revision;
  }

  /** Makes the changes the store's newest revision. Deleting nothing, or writing nothing, makes none. */
  end(): void {
    this.keyspace.revision = this.revision;
  }

  /** @throws StoreError before anything is changed */
  put(request: PutRequest): PutResponse {
    if (request.lease && this.leases.get(request.lease) === undefined) throw storeErrors.leaseNotFound();
    const { keyspace, leases, next } = this;
    const head = keyspace.head(request.key);
    const current = head?.isTombstone ? undefined : head;
    const isKept = request.ignoreValue === true || request.prevKv === true;
    const kept = isKept ? current?.kv : undefined;
    const before = kept ?? current?.origin;
    if ((request.ignoreValue || request.ignoreLease) && before === undefined) throw storeErrors.keyNotFound();
    const kv: KeyValue = {
      // The same memory for all of its versions.
      key: head?.key ?? request.key,
      value: request.ignoreValue ? kept!.value : request.value,
      createRevision: before?.createRevision ?? next,
      modRevision: next,
      version: (before?.version ?? 0) + 1,
      lease: request.ignoreLease ? before!.lease : (request.lease ?? 0n),
    };
    leases.detach(before?.lease ?? 0n, kv.key);
    leases.attach(kv.lease, kv.key);
    this.changes.push(keyspace.put(kv, this.changes.length, head));
    return request.prevKv && kept ? { revision: next, prevKv: kept } : { revision: next };
  }

  deleteRange(request: DeleteRangeRequest): DeleteRangeResponse {
    const doomed = this.keyspace.currentIn(request);
    const prevKvs: KeyValue[] = [];
    for (const head of doomed) {
      const { kv } = head;
      this.leases.detach(kv.lease, kv.key);
      this.changes.push(this.keyspace.delete(head, this.next, this.changes.length));
      if (request.prevKv) prevKvs.push(kv);
    }
    return { revision: this.revision, deleted: doomed.length, prevKvs };
  }

  range(request: RangeRequest): RangeResponse {
    const scan = this.keyspace.scan(request, this.revision);
    while (!scan.step(Infinity));
    return scan.result();
  }

  /** @throws StoreError before anything is changed */
  txn(request: TxnRequest): TxnResponse {
    const path = this.decide(request);
    // What etcd looks at first decides which of two mistakes it tells.
    for (const type of ['put', 'range'] as const) this.check(type, request, path);
    const response = this.execute(request, path);
    return { ...response, revision: this.revision };
  }

  private decide(request: TxnRequest): Path {
    const succeeded = request.compare.every((compare) => holds(compare, this.keyspace));
    const nested: Path[] = [];
    for (const operation of branch(request, succeeded)) {
      if (operation.type === 'txn') nested.push(this.decide(operation.request));
    }
    return { succeeded, nested };
  }

  private check(type: 'put' | 'range', request: TxnRequest, path: Path): void {
    let nested = 0;
    for (const operation of branch(request, path.succeeded)) {
      if (operation.type === 'txn') this.check(type, operation.request, path.nested[nested++]!);
      else if (operation.type !== type) continue;
      else if (operation.type === 'range') this.keyspace.checkRevision(operation.request.revision ?? 0);
      else if (operation.type === 'put') this.checkPut(operation.request);
    }
  }

  private checkPut(request: PutRequest): void {
    const needsKey = request.ignoreValue || request.ignoreLease;
    if (needsKey && this.keyspace.current(request.key) === undefined) throw storeErrors.keyNotFound();
    if (request.lease && this.leases.get(request.lease) === undefined) throw storeErrors.leaseNotFound();
  }

  private execute(request: TxnRequest, path: Path): TxnResponse {
    let nested = 0;
    const responses = branch(request, path.succeeded).map((operation): ResponseOp => {
      switch (operation.type) {
        case 'range':
          return { type: 'range', response: this.range(operation.request) };
        case 'put':
          return { type: 'put', response: this.put(operation.request) };
        case 'delete':
          return { type: 'delete', response: this.deleteRange(operation.request) };
        case 'txn':
          return { type: 'txn', response: this.execute(operation.request, path.nested[nested++]!) };
      }
    });
    return { revision: this.revision, succeeded: path.succeeded, responses };
  }
}

function branch(request: TxnRequest, succeeded: boolean): NonNullable<TxnRequest['failure']> {
  return succeeded ? request.success : (request.failure ?? []);
}
