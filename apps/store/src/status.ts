import { status } from '@grpc/grpc-js';
import { StoreError, type StoreErrorCode } from '#store';

export interface Status {
  readonly code: status;
  readonly details: string;
}

/** What a call ends with that is no failure of the store. */
export class RpcError extends Error {
  constructor(
    readonly code: status,
    message: string,
  ) {
    super(message);
  }
}

/** etcd's gRPC codes (`api/v3rpc/rpctypes`). The text is the error's own, unless one stands here. */
const statuses: Readonly<Record<StoreErrorCode, { readonly code: status; readonly details?: string }>> = {
  compacted: { code: status.OUT_OF_RANGE },
  'future-revision': { code: status.OUT_OF_RANGE },
  'lease-not-found': { code: status.NOT_FOUND },
  'lease-exists': { code: status.FAILED_PRECONDITION },
  'key-not-found': { code: status.INVALID_ARGUMENT },
  'duplicate-key': { code: status.INVALID_ARGUMENT },
  'too-many-operations': { code: status.INVALID_ARGUMENT },
  'request-too-large': { code: status.INVALID_ARGUMENT },
  'empty-key': { code: status.INVALID_ARGUMENT },
  'invalid-argument': { code: status.INVALID_ARGUMENT },
  'failed-precondition': { code: status.FAILED_PRECONDITION },
  'not-found': { code: status.NOT_FOUND },
  'permission-denied': { code: status.PERMISSION_DENIED },
  unauthenticated: { code: status.UNAUTHENTICATED },
  'no-space': { code: status.RESOURCE_EXHAUSTED, details: 'etcdserver: mvcc: database space exceeded' },
  corrupt: { code: status.DATA_LOSS, details: 'etcdserver: corrupt cluster' },
  unavailable: { code: status.UNAVAILABLE },
  closed: { code: status.UNAVAILABLE, details: 'etcdserver: server stopped' },
};

/** Texts that have a code other than their kind's. */
const exceptions: Readonly<Record<string, status>> = {
  'etcdserver: too many requests': status.RESOURCE_EXHAUSTED,
  'etcdserver: too large lease TTL': status.OUT_OF_RANGE,
};

/** Undefined: a bug, of which the client hears nothing but that there is one. */
export function statusOf(error: unknown): Status | undefined {
  if (error instanceof RpcError) return { code: error.code, details: error.message };
  if (!(error instanceof StoreError)) return undefined;
  const { code, details } = statuses[error.code];
  return { code: exceptions[error.message] ?? code, details: details ?? error.message };
}

/** `NOT_FOUND` as grpc-go writes it: `NotFound`. */
export function codeName(code: status): string {
  if (code === status.OK) return 'OK';
  return status[code].toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
