import { type DeleteRangeRequest, type PutRequest, type TxnRequest } from './key-value-store';

/**
 * What the log carries: everything that changes the state machine, and nothing that depends on when or where it is
 * applied. Lease ids and the end of a lease are decided by the proposer, since `apply` knows neither time nor chance.
 */
export type Command =
  | { readonly type: 'put'; readonly request: PutRequest }
  | { readonly type: 'delete'; readonly request: DeleteRangeRequest }
  | { readonly type: 'txn'; readonly request: TxnRequest }
  | { readonly type: 'compact'; readonly revision: number }
  | { readonly type: 'lease-grant'; readonly id: bigint; readonly ttl: number }
  | { readonly type: 'lease-revoke'; readonly id: bigint }
  | { readonly type: 'lease-checkpoint'; readonly checkpoints: readonly LeaseCheckpoint[] };

/** How much of a long lease is left, so that a restart does not start it over. 0 seconds: all of it (it was renewed). */
export interface LeaseCheckpoint {
  readonly id: bigint;
  readonly remaining: number;
}
