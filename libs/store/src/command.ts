import { type Alarm } from './alarms';
import { type AuthChange, type Author } from './auth/auth-change';
import { type IssuedToken } from './auth/tokens';
import { type DeleteRangeRequest, type PutRequest, type TxnRequest } from './key-value-store';

/**
 * What the log carries: everything that changes the state machine, and nothing that depends on when or where it is
 * applied. Lease ids and the end of a lease are decided by the proposer, since `apply` knows neither time nor chance.
 */
export type Command = Operation & {
  /** Who asks, if the store is to check whether they may. */
  readonly author?: Author;
};

type Operation =
  | { readonly type: 'put'; readonly request: PutRequest }
  | { readonly type: 'delete'; readonly request: DeleteRangeRequest }
  | { readonly type: 'txn'; readonly request: TxnRequest }
  | { readonly type: 'compact'; readonly revision: number }
  | { readonly type: 'lease-grant'; readonly id: bigint; readonly ttl: number }
  | { readonly type: 'lease-revoke'; readonly id: bigint }
  | { readonly type: 'lease-checkpoint'; readonly checkpoints: readonly LeaseCheckpoint[] }
  | { readonly type: 'alarm'; readonly action: 'raise' | 'disarm'; readonly alarm: Alarm }
  | { readonly type: 'auth'; readonly change: AuthChange }
  /** Somebody has shown their password. */
  | { readonly type: 'token'; readonly token: IssuedToken };

/** How much of a long lease is left, so that a restart does not start it over. 0 seconds: all of it (it was renewed). */
export interface LeaseCheckpoint {
  readonly id: bigint;
  readonly remaining: number;
}
