import { status } from '@grpc/grpc-js';
import { StoreError, type StoreErrorCode } from '#store';
import { statusOf } from './status';

// etcd's rpctypes, row by row.
it.each([
  ['compacted', 'etcdserver: mvcc: required revision has been compacted', 'OUT_OF_RANGE'],
  ['future-revision', 'etcdserver: mvcc: required revision is a future revision', 'OUT_OF_RANGE'],
  ['lease-not-found', 'etcdserver: requested lease not found', 'NOT_FOUND'],
  ['lease-exists', 'etcdserver: lease already exists', 'FAILED_PRECONDITION'],
  ['invalid-argument', 'etcdserver: too large lease TTL', 'OUT_OF_RANGE'],
  ['key-not-found', 'etcdserver: key not found', 'INVALID_ARGUMENT'],
  ['duplicate-key', 'etcdserver: duplicate key given in txn request', 'INVALID_ARGUMENT'],
  ['too-many-operations', 'etcdserver: too many operations in txn request', 'INVALID_ARGUMENT'],
  ['request-too-large', 'etcdserver: request is too large', 'INVALID_ARGUMENT'],
  ['empty-key', 'etcdserver: key is not provided', 'INVALID_ARGUMENT'],
  ['unavailable', 'etcdserver: too many requests', 'RESOURCE_EXHAUSTED'],
] as const)('%s: %s is %s', (code, message, expected) => {
  expect(statusOf(new StoreError(code, message))).toEqual({ code: status[expected], details: message });
});

it.each([
  ['no-space', 'etcdserver: mvcc: database space exceeded: ENOSPC', 'etcdserver: mvcc: database space exceeded'],
  ['closed', 'etcdserver: server stopped: EIO', 'etcdserver: server stopped'],
  ['corrupt', '/var/lib/store/wal/1.wal is corrupt', 'etcdserver: corrupt cluster'],
] as const)('%s keeps to itself what is none of the client`s business', (code: StoreErrorCode, message, details) => {
  expect(statusOf(new StoreError(code, message))).toMatchObject({ details });
});

it('knows nothing of other errors', () => {
  expect(statusOf(new TypeError('x'))).toBeUndefined();
});
