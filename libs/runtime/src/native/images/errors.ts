import { RuntimeError, type RuntimeErrorCode } from '../../container-runtime';
import { RegistryError } from './registry/registry-error';

export function invalidImageName(image: string): RuntimeError {
  return new RuntimeError('invalid-image-name', `couldn't parse image reference "${image}": invalid reference format`);
}

const unauthorized = new Set(['UNAUTHORIZED', 'DENIED']);
const unknown = new Set(['MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'NOT_FOUND']);

/** What a pull's failure means, in containerd's words. `name` is the whole reference. */
export function toPullError(name: string, error: unknown): Error {
  if (error instanceof RuntimeError) return error;
  if (error instanceof Error && error.name === 'AbortError') return error;
  const pulling = `failed to pull and unpack image "${name}"`;
  const resolving = `${pulling}: failed to resolve reference "${name}"`;
  const message = error instanceof Error ? error.message : String(error);
  switch (codeOf(error)) {
    case 'image-unauthorized':
      return new RuntimeError(
        'image-unauthorized',
        `${resolving}: pull access denied, repository does not exist or may require authorization: ${message}`,
      );
    case 'image-not-found':
      return new RuntimeError(
        'image-not-found',
        message.startsWith('no match for platform') ? `${pulling}: ${message}` : `${resolving}: ${name}: not found`,
      );
    case 'registry-unavailable':
      return new RuntimeError('registry-unavailable', `${resolving}: ${message}`);
    default:
      return new RuntimeError('pull-failed', `${pulling}: ${message}`);
  }
}

function codeOf(error: unknown): RuntimeErrorCode {
  if (!(error instanceof RegistryError)) return 'pull-failed';
  const { status = 0, code = '' } = error;
  if (status === 401 || status === 403 || unauthorized.has(code)) return 'image-unauthorized';
  if (status === 404 || unknown.has(code)) return 'image-not-found';
  // As the Docker runtime: the others are answers of the registry itself.
  return [502, 503, 504].includes(status) ? 'registry-unavailable' : 'pull-failed';
}
