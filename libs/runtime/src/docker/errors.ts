import { RuntimeError, type RuntimeErrorCode } from '../container-runtime';
import { EngineError } from './engine-http';

interface Rule {
  /** HTTP status; absent: any, also none. */
  readonly status?: number;
  readonly message?: RegExp;
  readonly code: RuntimeErrorCode;
}

/** What the engine's answers mean; the first rule that fits. Messages: moby's `errdefs` users and distribution's error codes. */
const rules: readonly Rule[] = [
  { message: /no such image|no such image id|unable to find image/i, code: 'image-not-found' },
  {
    message: /invalid reference format|repository name must be lowercase|invalid repository name/i,
    code: 'invalid-image-name',
  },
  { status: 409, message: /is already in use by container|already in use/i, code: 'already-exists' },
  { status: 409, code: 'invalid-argument' },
  { status: 404, code: 'not-found' },
  { status: 400, code: 'invalid-argument' },
];

/** What went wrong with a pull. Docker Hub says "denied" of what does not exist, too, and so do we. */
const pullRules: readonly Rule[] = [
  {
    message: /invalid reference format|repository name must be lowercase|invalid repository name/i,
    code: 'invalid-image-name',
  },
  {
    message:
      /pull access denied|unauthorized|authentication required|no basic auth credentials|denied: |incorrect username or password|insufficient_scope/i,
    code: 'image-unauthorized',
  },
  {
    message:
      /manifest unknown|not found: |manifest for .* not found|name unknown|no matching manifest|repository .* not found/i,
    code: 'image-not-found',
  },
  { message: /received unexpected HTTP status: 50[234]/i, code: 'registry-unavailable' },
  { code: 'pull-failed' },
];

/** System errors of a connection to an engine that is not there, or went away. */
const gone = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ECONNRESET',
  'EPIPE',
  'EACCES',
  'EPERM',
  'ECONNABORTED',
  'ETIMEDOUT',
  'ENOTSOCK',
]);

/** HTTP status of an answer of the engine; undefined for anything else. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof EngineError ? error.statusCode : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Any error of a call as a `RuntimeError`. `fallback` is what it means when nothing more precise is known. */
export function toRuntimeError(error: unknown, fallback: RuntimeErrorCode): Error {
  if (error instanceof RuntimeError) return error;
  const status = statusOf(error);
  const message = messageOf(error);
  if (status === undefined) {
    if (error instanceof Error && error.name === 'AbortError') return error;
    const { code } = error as { code?: string };
    const isGone = (code !== undefined && gone.has(code)) || /socket hang up|aborted/.test(message);
    if (isGone) return new RuntimeError('unavailable', `cannot connect to the Docker daemon: ${message}`);
  }
  const rule = rules.find((candidate) => fits(candidate, status, message));
  return new RuntimeError(rule?.code ?? fallback, `Error response from daemon: ${message}`);
}

/** An error in a pull's progress stream, or of the call itself. */
export function toPullError(image: string, error: unknown): Error {
  const general = toRuntimeError(error, 'pull-failed');
  if (general instanceof RuntimeError && general.code === 'unavailable') return general;
  const message = messageOf(error).replace(/^Error response from daemon: /, '');
  const rule = pullRules.find((candidate) => fits(candidate, undefined, message));
  return new RuntimeError(
    rule?.code ?? 'pull-failed',
    `Error response from daemon: ${message || `pull of ${image} failed`}`,
  );
}

function fits(rule: Rule, status: number | undefined, message: string): boolean {
  return (rule.status === undefined || rule.status === status) && (rule.message?.test(message) ?? true);
}
