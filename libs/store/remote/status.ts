import { type ServiceError, status } from '@grpc/grpc-js';
import { storeErrors } from '../src/errors';
import { StoreError, type StoreErrorCode } from '../src/key-value-store';

/** What etcd says, by its text: the status code alone does not tell them apart. */
const known = new Map<string, StoreErrorCode>(
  [
    storeErrors.futureRevision(),
    storeErrors.leaseNotFound(),
    storeErrors.leaseExists(),
    storeErrors.leaseTtlTooLarge(),
    storeErrors.keyNotFound(),
    storeErrors.duplicateKey(),
    storeErrors.tooManyOperations(),
    storeErrors.requestTooLarge(),
    storeErrors.emptyKey(),
    storeErrors.valueProvided(),
    storeErrors.leaseProvided(),
    storeErrors.compacted(0),
  ].map(({ message, code }) => [message, code]),
);
known.set('etcdserver: mvcc: database space exceeded', 'no-space');

/** Texts with which a server refuses a request that it has not begun. */
const refusals = new Set([storeErrors.tooManyRequests().message]);

export interface Failure {
  readonly error: StoreError;
  /** Another attempt, maybe elsewhere, may fare better. */
  readonly isTransient: boolean;
  /** The server has certainly not carried it out. */
  readonly isRefusal: boolean;
}

/** What a failed call means to the caller. */
export function failureOf({ code, details }: ServiceError): Failure {
  const final = (storeCode: StoreErrorCode): Failure => ({
    error: new StoreError(storeCode, details),
    isTransient: false,
    isRefusal: true,
  });
  const text = known.get(details);
  if (text !== undefined) return final(text);
  switch (code) {
    // Only we cancel: at the end of the time that a request has.
    case status.CANCELLED:
      return { error: storeErrors.timedOut(), isTransient: true, isRefusal: false };
    case status.INVALID_ARGUMENT:
    case status.OUT_OF_RANGE:
    case status.UNIMPLEMENTED:
      return final('invalid-argument');
    case status.DATA_LOSS:
      return final('corrupt');
    case status.UNAUTHENTICATED:
      return final('unauthenticated');
    case status.PERMISSION_DENIED:
      return final('permission-denied');
    case status.RESOURCE_EXHAUSTED:
      // gRPC's own limit, which a request meets before etcd's if it is much too large.
      if (/larger than max/.test(details))
        return { ...final('request-too-large'), error: storeErrors.requestTooLarge() };
  }
  return {
    error: new StoreError('unavailable', details === '' ? `gRPC status ${status[code]}` : details),
    isTransient: true,
    isRefusal: refusals.has(details),
  };
}
