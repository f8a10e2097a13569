import crypto from 'node:crypto';

/** `<id>.<secret>`: the id is public, it names the token's Secret. */
export interface BootstrapToken {
  readonly id: string;
  readonly secret: string;
}

/** Names that the Secrets of bootstrap tokens and the ConfigMap `cluster-info` are made of (`cluster-bootstrap/token/api`). */
export const bootstrapTokens = {
  secretType: 'bootstrap.kubernetes.io/token',
  secretPrefix: 'bootstrap-token-',
  namespace: 'kube-system',
  userPrefix: 'system:bootstrap:',
  group: 'system:bootstrappers',
  keys: {
    id: 'token-id',
    secret: 'token-secret',
    expiration: 'expiration',
    description: 'description',
    extraGroups: 'auth-extra-groups',
    usagePrefix: 'usage-bootstrap-',
    authentication: 'usage-bootstrap-authentication',
    signing: 'usage-bootstrap-signing',
  },
  clusterInfo: {
    namespace: 'kube-public',
    name: 'cluster-info',
    kubeconfigKey: 'kubeconfig',
    signaturePrefix: 'jws-kubeconfig-',
  },
} as const;

const tokenPattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz';

/** @returns undefined for what is no bootstrap token */
export function parseBootstrapToken(text: string): BootstrapToken | undefined {
  const [, id, secret] = tokenPattern.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

export function formatBootstrapToken({ id, secret }: BootstrapToken): string {
  return `${id}.${secret}`;
}

export function createBootstrapToken(): BootstrapToken {
  const word = (length: number): string =>
    Array.from({ length }, () => alphabet[crypto.randomInt(alphabet.length)]).join('');
  return { id: word(6), secret: word(16) };
}

/**
 * When a token ends, given the `expiration` of its Secret.
 * @returns milliseconds since the epoch; Infinity without one; -Infinity for a time that cannot be read, as upstream has it
 */
export function expirationOf(text: string | undefined): number {
  if (text === undefined || text === '') return Infinity;
  const isRfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text);
  const time = isRfc3339 ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? -Infinity : time;
}

/** Compares secrets without telling by the time it takes how much of them is the same. */
export function secretsEqual(a: string, b: string): boolean {
  const digest = (text: string): Buffer => crypto.createHash('sha256').update(text).digest();
  return crypto.timingSafeEqual(digest(a), digest(b));
}

/** A JWS (HS256) without its content, RFC 7515 appendix F: proves that who wrote the content knows the token. */
export function signDetached(content: string, { id, secret }: BootstrapToken): string {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: id })).toString('base64url');
  const payload = Buffer.from(content).toString('base64url');
  const signature = crypto.createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url');
  return `${header}..${signature}`;
}

export function isSignedBy(signature: string, content: string, token: BootstrapToken): boolean {
  return secretsEqual(signature, signDetached(content, token));
}
