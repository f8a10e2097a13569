import { ApiError, type Clock, type Status, delay } from '#machinery';
import { type RawCall } from './object-client';
import { type Body, type Transport, TransportError } from './transport';

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: () => number;
}

/** Whether a call may be repeated. */
export interface Repeatable {
  /** Repeating it after it may have been carried out does no harm. */
  readonly isIdempotent: boolean;
  /** 429 is an answer to act on, not a request to slow down (eviction against a disruption budget). */
  readonly isBusyFinal?: boolean;
}

const attempts = 5;
const firstDelayMs = 50;
const longestDelayMs = 10_000;

/** The body of a 2xx answer and whether an earlier attempt may have been carried out. */
export interface Outcome {
  readonly body: Body;
  readonly isRepeated: boolean;
}

/** An `ApiError` that answers a repeated call: the first attempt may have been what it complains about. */
export class RepeatedCallError extends Error {
  constructor(override readonly cause: ApiError) {
    super(cause.message);
  }
}

/**
 * Calls up to five times, with delays that double and are jittered: again when the request was not sent, when the API is too
 * busy (429, and 503 with a time to wait), and, for what is idempotent, when the answer was lost.
 * Rejects with `ApiError`, inside a `RepeatedCallError` where an earlier attempt may have been carried out.
 */
export async function callWithRetry(
  transport: Transport,
  call: RawCall,
  { isIdempotent, isBusyFinal = false }: Repeatable,
  { clock, random }: RetryOptions,
): Promise<Outcome> {
  let isRepeated = false;
  for (let attempt = 1; ; attempt++) {
    let waitMs = firstDelayMs * 2 ** (attempt - 1);
    try {
      const { status, body } = await transport.call(call);
      if (status >= 200 && status < 300) return { body, isRepeated };
      const error = toApiError(status, body);
      const retryAfter = error.status.details?.retryAfterSeconds;
      const isBusy = (status === 429 && !isBusyFinal) || (status === 503 && retryAfter !== undefined);
      if (!isBusy || attempt >= attempts) throw isRepeated ? new RepeatedCallError(error) : error;
      waitMs = Math.max(waitMs, (retryAfter ?? 0) * 1000);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      if (attempt >= attempts || !(error.isUnsent || isIdempotent)) throw unavailable(error.message, error.isUnsent);
      isRepeated ||= !error.isUnsent;
    }
    await delay(clock, Math.min(longestDelayMs, waitMs) * (0.75 + random() / 2));
  }
}

/** The error of an answer; a body that is no `Status` (a proxy's) becomes one. */
function toApiError(code: number, body: Body): ApiError {
  if (typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status') {
    return new ApiError(body as unknown as Status);
  }
  const message = typeof body === 'string' && body !== '' ? body.slice(0, 1024) : `the server answered ${code}`;
  return new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code });
}

function unavailable(message: string, isUnsent: boolean): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: isUnsent ? 'ServiceUnavailable' : 'Timeout',
    code: isUnsent ? 503 : 504,
  });
}
