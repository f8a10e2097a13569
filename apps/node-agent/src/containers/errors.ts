/** A container could not be made. `reason` and `message` go to its waiting state. */
export class ContainerError extends Error {
  override readonly name = 'ContainerError';

  constructor(
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

export function configError(message: string): ContainerError {
  return new ContainerError('CreateContainerConfigError', message);
}
