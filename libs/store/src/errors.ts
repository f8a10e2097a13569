import { StoreError } from './key-value-store';

/** Every refusal of the data model, with etcd's own wording (`api/v3rpc/rpctypes`): clients match on it. */
export const storeErrors = {
  compacted: (compactRevision: number) =>
    new StoreError('compacted', 'etcdserver: mvcc: required revision has been compacted', compactRevision),
  futureRevision: () => new StoreError('future-revision', 'etcdserver: mvcc: required revision is a future revision'),
  leaseNotFound: () => new StoreError('lease-not-found', 'etcdserver: requested lease not found'),
  leaseExists: () => new StoreError('lease-exists', 'etcdserver: lease already exists'),
  leaseTtlTooLarge: () => new StoreError('invalid-argument', 'etcdserver: too large lease TTL'),
  keyNotFound: () => new StoreError('key-not-found', 'etcdserver: key not found'),
  duplicateKey: () => new StoreError('duplicate-key', 'etcdserver: duplicate key given in txn request'),
  tooManyOperations: () => new StoreError('too-many-operations', 'etcdserver: too many operations in txn request'),
  requestTooLarge: () => new StoreError('request-too-large', 'etcdserver: request is too large'),
  emptyKey: () => new StoreError('empty-key', 'etcdserver: key is not provided'),
  valueProvided: () => new StoreError('invalid-argument', 'etcdserver: value is provided'),
  leaseProvided: () => new StoreError('invalid-argument', 'etcdserver: lease is provided'),
  /** Ours: etcd cannot be handed a key that is not bytes. */
  keyNotBytes: () => new StoreError('invalid-argument', 'key is not a byte string: it has a code unit above 255'),
  noSpace: (detail: string) => new StoreError('no-space', `etcdserver: mvcc: database space exceeded: ${detail}`),
  /** Keys and values have come to the quota; the disk may well have room. */
  quotaExceeded: () => new StoreError('no-space', 'etcdserver: mvcc: database space exceeded'),
  corruptCluster: () => new StoreError('corrupt', 'etcdserver: corrupt cluster'),
  tooManyRequests: () => new StoreError('unavailable', 'etcdserver: too many requests'),
  /** Ours: etcd has room for both. */
  absent: () => new StoreError('unavailable', "etcdserver: another member's snapshot is being read"),
  stopped: () => new StoreError('closed', 'etcdserver: server stopped'),
  /** Of options and arguments. */
  invalid: (message: string) => new StoreError('invalid-argument', message),
  unreachable: (endpoints: readonly string[]) =>
    new StoreError('unavailable', `no connection to the store: ${endpoints.join(', ')}`),
  unknownOutcome: (reason: string) =>
    new StoreError('unavailable', `the outcome of the write is unknown, it may have been carried out: ${reason}`),
  timedOut: () => new StoreError('unavailable', 'the store did not answer in time'),
  otherCluster: (endpoint: string) => new StoreError('unavailable', `${endpoint} belongs to another cluster`),
  /** Between members. */
  peer: (reason: string) => new StoreError('unavailable', `no answer from a member of the store: ${reason}`),
  clientClosed: () => new StoreError('closed', 'the connection to the store was closed'),
  /** Ours too: protobuf carries nothing but whole numbers. */
  notWhole: (name: string) => new StoreError('invalid-argument', `${name} is not a whole number, or is out of range`),
  notJoined: (reasons: readonly string[]) => new StoreError('unavailable', `no cluster to join: ${reasons.join('; ')}`),
  /** The log can no longer be trusted, so nothing is answered any more: only a restart re-reads what is really on disk. */
  failed: (reason: string) => new StoreError('closed', `etcdserver: server stopped: ${reason}`),
  /** `file` and `offset` are where an operator starts to look. */
  corrupt: (file: string, offset: number, reason: string) =>
    new StoreError('corrupt', `${file} is corrupt at offset ${offset}: ${reason}`),
};
