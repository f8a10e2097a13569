import { type Command } from '../command';
import { type RequestOp, type TxnRequest } from '../key-value-store';
import { type Leases } from '../mvcc/leases';
import { type Author } from './auth-change';
import { type AuthState } from './auth-state';

/**
 * Whether the author may have this command carried out: etcd's rules, and for what etcd leaves open to everybody (compaction, new leases) that
 * the author is somebody at all.
 *
 * @throws StoreError
 */
export function authorize(auth: AuthState, leases: Leases, author: Author, command: Command): void {
  if (!auth.isEnabled) return;
  switch (command.type) {
    case 'put':
    case 'delete':
    case 'txn':
      return authorizeOperation(auth, leases, author, command);
    case 'lease-revoke':
      auth.checkUser(author);
      return authorizeLease(auth, leases, author, command.id);
    case 'alarm':
    case 'auth':
      return auth.checkAdmin(author);
    case 'compact':
    case 'lease-grant':
    case 'lease-checkpoint':
    case 'token':
      return auth.checkUser(author);
  }
}

/** Both branches have to be permitted, whichever is taken: an answer tells which it was. */
export function authorizeTxn(auth: AuthState, leases: Leases, author: Author, request: TxnRequest): void {
  for (const compare of request.compare) auth.check(author, 'read', compare);
  for (const operation of [...request.success, ...(request.failure ?? [])]) {
    authorizeOperation(auth, leases, author, operation);
  }
  auth.checkUser(author);
}

function authorizeOperation(auth: AuthState, leases: Leases, author: Author, operation: RequestOp): void {
  switch (operation.type) {
    case 'range':
      return auth.check(author, 'read', operation.request);
    case 'put': {
      const { key, lease = 0n, prevKv } = operation.request;
      auth.check(author, 'write', { key });
      authorizeLease(auth, leases, author, lease);
      if (prevKv) auth.check(author, 'read', { key });
      return;
    }
    case 'delete':
      auth.check(author, 'write', operation.request);
      if (operation.request.prevKv) auth.check(author, 'read', operation.request);
      return;
    case 'txn':
      return authorizeTxn(auth, leases, author, operation.request);
  }
}

/** Who ends a lease deletes its keys, and who puts a key on it lets others delete that: only for those who may write them all. */
function authorizeLease(auth: AuthState, leases: Leases, author: Author, id: bigint): void {
  for (const key of leases.get(id)?.keys ?? []) auth.check(author, 'write', { key });
}
