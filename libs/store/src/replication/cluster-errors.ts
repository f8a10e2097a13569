import { StoreError } from '../key-value-store';

/** What can go wrong between members, with etcd's own wording (`api/v3rpc/rpctypes`). */
export const clusterErrors = {
  timeout: () => new StoreError('unavailable', 'etcdserver: request timed out'),
  timeoutDueToLeaderFailure: () =>
    new StoreError('unavailable', 'etcdserver: request timed out, possibly due to previous leader failure'),
  leaderTransferTimeout: () =>
    new StoreError('unavailable', 'etcdserver: request timed out, leader transfer took too long'),
  noLeader: () => new StoreError('unavailable', 'etcdserver: no leader'),
  notLeader: () => new StoreError('failed-precondition', 'etcdserver: not leader'),
  badTransferee: () => new StoreError('failed-precondition', 'etcdserver: bad leader transferee'),
  unhealthy: () => new StoreError('unavailable', 'etcdserver: unhealthy cluster'),
  notEnoughStarted: () =>
    new StoreError('failed-precondition', 'etcdserver: re-configuration failed due to not enough started members'),
  memberExists: () => new StoreError('failed-precondition', 'etcdserver: member ID already exist'),
  memberNotFound: () => new StoreError('not-found', 'etcdserver: member not found'),
  peerUrlExists: () => new StoreError('failed-precondition', 'etcdserver: Peer URLs already exists'),
  badPeerUrls: () => new StoreError('invalid-argument', 'etcdserver: given member URLs are invalid'),
  notALearner: () => new StoreError('failed-precondition', 'etcdserver: can only promote a learner member'),
  learnerNotReady: () =>
    new StoreError('failed-precondition', 'etcdserver: can only promote a learner member which is in sync with leader'),
  tooManyLearners: () => new StoreError('failed-precondition', 'etcdserver: too many learner members in cluster'),
  /** Ours: a store that was opened without peers. */
  alone: () => new StoreError('failed-precondition', 'this store was opened without a way to reach other members'),
  removed: () => new StoreError('closed', 'etcdserver: the member has been permanently removed from the cluster'),
};
