import { RuntimeError } from '#runtime';

/** An answer that is not what was asked for. The message goes to the client as text. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';

  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }

  static from(error: unknown): HttpFailure {
    if (error instanceof HttpFailure) return error;
    if (error instanceof RuntimeError && error.code === 'not-found') return new HttpFailure(404, error.message);
    return new HttpFailure(500, error instanceof Error ? error.message : String(error));
  }
}
