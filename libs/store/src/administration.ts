import { type Alarm, type AlarmType } from './alarms';
import { type AuthChange, type Author, type Permission } from './auth/auth-change';
import { type Access } from './auth/permissions';
import {
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type KeyRange,
  type KeyValueStore,
  type PutRequest,
  type PutResponse,
  type TxnRequest,
  type TxnResponse,
} from './key-value-store';
import { type SnapshotDownload } from './snapshot/download';

/** Users and roles, as this member knows them. */
export interface AuthView {
  readonly isEnabled: boolean;
  readonly revision: number;
  user(name: string): { readonly roles: readonly string[] } | undefined;
  users(): readonly { readonly name: string }[];
  role(name: string): readonly Permission[] | undefined;
  roles(): readonly string[];
  hasRole(user: string, role: string): boolean;
  /** @throws StoreError if the author may not, is nobody, or was recognised by an older revision */
  check(author: Author, access: Access, range: KeyRange): void;
  /** @throws StoreError unless the author is somebody */
  checkUser(author: Author): void;
  /** @throws StoreError unless the author has the role of root */
  checkAdmin(author: Author): void;
}

/** How this member stands in its cluster, as far as it knows. */
export interface Standing {
  readonly hasLeader: boolean;
  readonly isLearner: boolean;
}

/** A change of users and roles as it is asked for: passwords are in plain text, and are hashed before they go anywhere. */
export type AuthRequest = AuthChange;

export interface KeysHash {
  readonly hash: number;
  /** The store's, when the hash was made. */
  readonly revision: number;
  /** Up to which it counts. */
  readonly hashRevision: number;
  /** -1: never compacted. */
  readonly compactRevision: number;
}

/**
 * What an operator has to do with a store, beside its keys. What is changed is replicated, durable and ordered as writes are. Every promise
 * rejects with `StoreError`.
 */
export interface StoreAdministration {
  /** The store as this author may use it. Writes are judged when they are applied, reads when they are asked for and when they are answered. */
  authorized(author: Author): KeyValueStore;

  readonly standing: Standing;

  readonly auth: AuthView;
  changeAuth(request: AuthRequest, author?: Author): Promise<void>;
  /** Rejects if they are not this user's name and password. @returns a token, which all members know */
  authenticate(name: string, password: string): Promise<string>;
  /** Whom a token stands for: its five minutes begin anew. Undefined: it is worth nothing. */
  userOf(token: string): string | undefined;
  /** Undefined: whatever is to be known of this token is known here. Otherwise resolves when it is. */
  settleToken(token: string): Promise<void> | undefined;
  /** Resolves when all that was acknowledged before is known here: users, roles, alarms. */
  settle(): Promise<void>;

  /** Bytes of keys and values at which a `nospace` alarm is raised. */
  readonly quotaBytes: number;
  alarms(type?: AlarmType): readonly Alarm[];
  /** @returns those that were changed, or were raised already */
  changeAlarm(action: 'raise' | 'disarm', alarm: Alarm, author?: Author): Promise<readonly Alarm[]>;

  /** Of everything: keys, leases, users, roles, alarms. The same on all members at the same index. */
  hash(): Promise<{ readonly hash: number; readonly revision: number }>;
  /** @param revision 0: the newest */
  hashKeys(revision: number): Promise<KeysHash>;
  snapshot(): Promise<SnapshotDownload>;
  /** Resolves when nothing that was compacted is kept any more. */
  defragment(): Promise<void>;
}

/** A store whose writes can say who asks for them; without an author they are the cluster's own and are not questioned. */
export interface AuthoredStore extends KeyValueStore {
  put(request: PutRequest, author?: Author): Promise<PutResponse>;
  deleteRange(request: DeleteRangeRequest, author?: Author): Promise<DeleteRangeResponse>;
  txn(request: TxnRequest, author?: Author): Promise<TxnResponse>;
  compact(revision: number, author?: Author): Promise<void>;
  leaseGrant(ttl: number, id?: bigint, author?: Author): Promise<{ id: bigint; ttl: number }>;
  leaseRevoke(id: bigint, author?: Author): Promise<void>;
}

/** A store in this process. */
export interface LocalStore extends KeyValueStore {
  readonly administration: StoreAdministration;
}
