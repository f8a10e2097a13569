import { type Logger } from '#telemetry';

/** A call that is refused, by HTTP's status; its text is for the peer's log. */
export class Refusal extends Error {
  constructor(
    readonly status: 400 | 401 | 404 | 412 | 413,
    message: string,
  ) {
    super(message);
  }
}

/** What a call that failed is answered with. What is refused, or is not readable, stands in the log here as well. */
export function failureOf(error: unknown, logger: Logger): { readonly status: number; readonly text: string } {
  if (error instanceof Refusal) {
    logger.warn({ reason: error.message }, 'a peer was refused');
    return { status: error.status, text: error.message };
  }
  if (error instanceof RangeError) {
    logger.warn({ err: error }, 'a peer sent what is not a message');
    return { status: 400, text: 'not a message' };
  }
  return { status: 503, text: error instanceof Error ? error.message : String(error) };
}
