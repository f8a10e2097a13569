/** A registry did not answer as it should. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';

  constructor(
    message: string,
    /** HTTP status; absent: there was no answer, or it was cut off. */
    readonly status?: number,
    /** Of the distribution specification: `MANIFEST_UNKNOWN`, `DENIED` … */
    readonly code?: string,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** What a registry sent is not what was asked for: no repetition helps. */
export class ContentError extends Error {
  override readonly name = 'ContentError';
}
