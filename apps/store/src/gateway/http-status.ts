import { STATUS_CODES } from 'node:http';
import { status } from '@grpc/grpc-js';
import { type Status } from '../status';

/** grpc-gateway's translation of gRPC's codes. */
const httpStatuses: Readonly<Record<status, number>> = {
  [status.OK]: 200,
  [status.CANCELLED]: 408,
  [status.UNKNOWN]: 500,
  [status.INVALID_ARGUMENT]: 400,
  [status.DEADLINE_EXCEEDED]: 504,
  [status.NOT_FOUND]: 404,
  [status.ALREADY_EXISTS]: 409,
  [status.PERMISSION_DENIED]: 403,
  [status.UNAUTHENTICATED]: 401,
  [status.RESOURCE_EXHAUSTED]: 429,
  [status.FAILED_PRECONDITION]: 412,
  [status.ABORTED]: 409,
  [status.OUT_OF_RANGE]: 400,
  [status.UNIMPLEMENTED]: 501,
  [status.INTERNAL]: 500,
  [status.UNAVAILABLE]: 503,
  [status.DATA_LOSS]: 500,
};

export function httpStatusOf({ code }: Status): number {
  return httpStatuses[code];
}

/** An answer's body. */
export function errorBody({ code, details }: Status): object {
  return { error: details, message: details, code };
}

/** A line of a stream that had begun. */
export function streamErrorBody(failure: Status): object {
  const http = httpStatusOf(failure);
  const error = {
    grpc_code: failure.code,
    http_code: http,
    message: failure.details,
    http_status: STATUS_CODES[http] ?? '',
  };
  return { error };
}
