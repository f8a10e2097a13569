/** An error that the person at the terminal can act on: printed without a stack. */
export class UserError extends Error {
  override readonly name = 'UserError';
}
