import { ApiError } from '#machinery';

/** An error whose answer carries `Warning` headers. */
export class WarnedError extends ApiError {
  constructor(
    error: ApiError,
    readonly warnings: readonly string[],
  ) {
    super(error.status);
  }
}

/** What to do with a failure: fail the same way, but for the warnings that have gathered by then. */
export function failWith(warnings: readonly string[]): (error: unknown) => never {
  return (error) => {
    throw withWarnings(error, warnings);
  };
}

/** Adds the warnings that gathered before it to an error of the API. Others stay as they are. */
export function withWarnings(error: unknown, warnings: readonly string[]): unknown {
  if (!(error instanceof ApiError) || warnings.length === 0) return error;
  return new WarnedError(error, [...warnings, ...(error instanceof WarnedError ? error.warnings : [])]);
}
