import { type Secret } from '#api';
import { type DeepReadonly } from '#machinery';
import { type BootstrapToken, bootstrapTokens, expirationOf } from '#pki';

const { namespace, secretPrefix, secretType, keys } = bootstrapTokens;

type ReadonlySecret = DeepReadonly<Secret>;

/**
 * Whether a Secret may hold a bootstrap token. By its name: of Secrets nothing else is published, who wants to know more has to
 * read it.
 */
export function isTokenSecret({ metadata }: ReadonlySecret): boolean {
  return metadata?.namespace === namespace && metadata.name?.startsWith(secretPrefix) === true;
}

function valueOf({ data }: ReadonlySecret, key: string): string {
  return Buffer.from(data?.[key] ?? '', 'base64').toString('utf8');
}

/** When the token of a Secret that was read ends, milliseconds since the epoch; Infinity if it does not, or is no token. */
export function tokenExpiration(secret: ReadonlySecret): number {
  return secret.type === secretType ? expirationOf(valueOf(secret, keys.expiration)) : Infinity;
}

/** The token, if it may sign `cluster-info` at this moment. */
export function signingToken(secret: ReadonlySecret, now: number): BootstrapToken | undefined {
  const token = { id: valueOf(secret, keys.id), secret: valueOf(secret, keys.secret) };
  const isGood =
    secret.type === secretType &&
    /^[a-z0-9]{6}$/.test(token.id) &&
    secret.metadata?.name === `${secretPrefix}${token.id}` &&
    token.secret !== '' &&
    tokenExpiration(secret) > now &&
    valueOf(secret, keys.signing) === 'true';
  return isGood ? token : undefined;
}
