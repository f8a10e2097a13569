import { storeErrors } from './errors';
import {
  type Compare,
  type DeleteRangeRequest,
  type Key,
  type KeyRange,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  type TxnRequest,
} from './key-value-store';
import { MAX_LEASE_TTL } from './mvcc/leases';

/** etcd's `--max-txn-ops`: compares, operations of one branch and those nested in them together. */
export const MAX_TXN_OPERATIONS = 128;
/** etcd's `--max-request-bytes`. */
export const MAX_REQUEST_BYTES = 1.5 * 1024 * 1024;

const NOT_BYTES = /[^\0-\xff]/;

export function checkKey(key: Key): void {
  if (key.length === 0) throw storeErrors.emptyKey();
  if (NOT_BYTES.test(key)) throw storeErrors.keyNotBytes();
}

/** Whole, and neither negative nor beyond 2^53: what the log can carry. */
export function checkWhole(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw storeErrors.notWhole(name);
}

/** @returns whole seconds, not less than asked for */
export function checkLeaseTtl(ttl: number): number {
  if (ttl > MAX_LEASE_TTL) throw storeErrors.leaseTtlTooLarge();
  if (Number.isNaN(ttl)) throw storeErrors.notWhole('ttl');
  return Math.max(0, Math.ceil(ttl));
}

export function checkKeyRange(range: KeyRange): void {
  checkKey(range.key);
  if (range.rangeEnd !== undefined && NOT_BYTES.test(range.rangeEnd)) throw storeErrors.keyNotBytes();
}

const NUMBERS = [
  'limit',
  'revision',
  'minModRevision',
  'maxModRevision',
  'minCreateRevision',
  'maxCreateRevision',
] as const satisfies readonly (keyof RangeRequest)[];

export function checkRange(request: RangeRequest): void {
  checkKeyRange(request);
  for (const name of NUMBERS) checkWhole(name, request[name] ?? 0);
}

function checkCompare(compare: Compare): void {
  checkKeyRange(compare);
  const { operand, target } = compare;
  if (target === 'value' ? !(operand instanceof Uint8Array) : operand instanceof Uint8Array) {
    throw storeErrors.notWhole('operand');
  }
  if (typeof operand === 'number' && !Number.isSafeInteger(operand)) throw storeErrors.notWhole('operand');
}

export function checkPut(request: PutRequest): void {
  checkKey(request.key);
  if (request.ignoreValue && request.value.length > 0) throw storeErrors.valueProvided();
  if (request.ignoreLease && (request.lease ?? 0n) !== 0n) throw storeErrors.leaseProvided();
}

/** Everything about a transaction that can be judged without knowing the state. */
export function checkTxn(request: TxnRequest): void {
  checkOperations(request, MAX_TXN_OPERATIONS);
  // After the count, so that the check of overlaps, quadratic in it, stays small.
  checkOverlaps(request.success);
  checkOverlaps(request.failure ?? []);
}

function checkOperations(request: TxnRequest, allowed: number): void {
  const failure = request.failure ?? [];
  const count = Math.max(request.compare.length, request.success.length, failure.length);
  if (count > allowed) throw storeErrors.tooManyOperations();
  for (const compare of request.compare) checkCompare(compare);
  for (const operation of [...request.success, ...failure]) {
    if (operation.type === 'range') checkRange(operation.request);
    else if (operation.type === 'delete') checkKeyRange(operation.request);
    else if (operation.type === 'put') checkPut(operation.request);
    else checkOperations(operation.request, allowed - count);
  }
}

interface Touched {
  readonly puts: Set<Key>;
  readonly deletes: DeleteRangeRequest[];
}

/**
 * Refuses a key that is put twice, or put and deleted, in one transaction: all its changes share one revision. The two
 * branches of a nested transaction exclude each other and may touch the same key. As in etcd, a delete in a later
 * nested transaction than the put is let through, and one of all keys from some key on.
 */
function checkOverlaps(operations: readonly RequestOp[]): Touched {
  const touched: Touched = { puts: new Set(), deletes: [] };
  for (const operation of operations) if (operation.type === 'delete') touched.deletes.push(operation.request);
  for (const operation of operations) {
    if (operation.type !== 'txn') continue;
    const success = checkOverlaps(operation.request.success);
    const failure = checkOverlaps(operation.request.failure ?? []);
    for (const key of success.puts) addPut(touched, key);
    for (const key of failure.puts) {
      if (success.puts.has(key)) continue;
      addPut(touched, key);
    }
    touched.deletes.push(...success.deletes, ...failure.deletes);
  }
  for (const operation of operations) if (operation.type === 'put') addPut(touched, operation.request.key);
  return touched;
}

function addPut(touched: Touched, key: Key): void {
  if (touched.puts.has(key) || touched.deletes.some((range) => covers(range, key))) throw storeErrors.duplicateKey();
  touched.puts.add(key);
}

function covers({ key: start, rangeEnd }: DeleteRangeRequest, key: Key): boolean {
  return rangeEnd ? key >= start && key < rangeEnd : key === start;
}

/** Such a transaction needs no log entry. */
export function isReadOnly(request: TxnRequest): boolean {
  return [...request.success, ...(request.failure ?? [])].every(
    (operation) => operation.type === 'range' || (operation.type === 'txn' && isReadOnly(operation.request)),
  );
}
