import crypto from 'node:crypto';
import { type JWK, type JWTPayload, SignJWT, errors, exportJWK, jwtVerify } from 'jose';
import { type Clock, systemClock } from '#machinery';

const algorithm = 'ES256';

/** A new EC P-256 private key, PKCS #8 PEM. */
export function createSigningKey(): string {
  const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

export interface ObjectIdentity {
  readonly name: string;
  readonly uid: string;
}

/** The private claim `kubernetes.io` of a bound token (KEP-1205, KEP-4193). */
export interface BoundClaims {
  readonly namespace: string;
  readonly serviceaccount: ObjectIdentity;
  readonly pod?: ObjectIdentity;
  readonly secret?: ObjectIdentity;
  readonly node?: { readonly name: string; readonly uid?: string };
  /** Seconds since the epoch; use after this shows that the client does not reload its token. */
  readonly warnafter?: number;
}

export interface TokenClaims {
  /** `system:serviceaccount:<namespace>:<name>` */
  readonly subject: string;
  readonly audiences: readonly string[];
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** `jti`, audited as `authentication.kubernetes.io/credential-id`. */
  readonly id: string;
  readonly bound: BoundClaims;
}

export interface IssuedToken {
  readonly token: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

export interface TokenIssuer {
  issue(request: {
    readonly bound: BoundClaims;
    readonly audiences: readonly string[];
    readonly expirationSeconds: number;
  }): Promise<IssuedToken>;
}

export interface TokenVerifier {
  /**
   * The claims of a token that we signed, that is valid now, and that is meant for one of the audiences. Rejects with
   * `TokenError` otherwise. Whether the objects it is bound to still exist is for the caller to find out.
   */
  verify(token: string, audiences: readonly string[]): Promise<TokenClaims>;
}

export class TokenError extends Error {
  override readonly name = 'TokenError';

  /** @param foreign not ours at all: another authenticator may know the token */
  constructor(
    message: string,
    readonly foreign: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

interface IssuerConfig {
  /** `iss`, a URL. */
  readonly issuer: string;
  /** Private key, PEM. The verifier may be given public keys. */
  readonly keyPem: string;
  readonly clock?: Clock;
  /** For tests. */
  readonly createId?: () => string;
}

export function createTokenIssuer({
  issuer,
  keyPem,
  clock = systemClock,
  createId = crypto.randomUUID,
}: IssuerConfig): TokenIssuer {
  const key = crypto.createPrivateKey(keyPem);
  const kid = keyId(crypto.createPublicKey(key));
  return {
    async issue({ bound, audiences, expirationSeconds }) {
      const now = Math.floor(clock.now() / 1000);
      const expiresAt = now + expirationSeconds;
      const token = await new SignJWT({ 'kubernetes.io': bound })
        .setProtectedHeader({ alg: algorithm, kid })
        .setAudience([...audiences])
        .setIssuer(issuer)
        .setIssuedAt(now)
        .setNotBefore(now)
        .setExpirationTime(expiresAt)
        .setJti(createId())
        .setSubject(`system:serviceaccount:${bound.namespace}:${bound.serviceaccount.name}`)
        .sign(key);
      return { token, expiresAt };
    },
  };
}

/** Verifies by `kid`, so that keys can be rotated: give the old ones as well for as long as their tokens live. */
export function createTokenVerifier({
  issuer,
  keyPems,
  clock = systemClock,
}: {
  readonly issuer: string;
  /** Public or private keys, PEM. */
  readonly keyPems: readonly string[];
  readonly clock?: Clock;
}): TokenVerifier {
  const keys = new Map(keyPems.map((pem) => crypto.createPublicKey(pem)).map((key) => [keyId(key), key]));
  return {
    async verify(token, audiences) {
      let payload: JWTPayload;
      try {
        ({ payload } = await jwtVerify(
          token,
          ({ kid }) => {
            const key = keys.get(kid ?? '');
            if (key === undefined) throw new TokenError('signed by an unknown key', true);
            return key;
          },
          { algorithms: [algorithm], issuer, currentDate: new Date(clock.now()) },
        ));
      } catch (error) {
        throw asTokenError(error);
      }
      const claims = readClaims(payload);
      if (!claims.audiences.some((audience) => audiences.includes(audience))) {
        throw new TokenError(
          `token audiences ${JSON.stringify(claims.audiences)} is invalid for the target audiences ${JSON.stringify(audiences)}`,
          false,
        );
      }
      return claims;
    },
  };
}

function asTokenError(error: unknown): TokenError {
  if (error instanceof TokenError) return error;
  if (error instanceof errors.JWTExpired)
    return new TokenError('service account token has expired', false, { cause: error });
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new TokenError(error.message, error.claim === 'iss', { cause: error });
  }
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new TokenError('invalid signature', false, { cause: error });
  return new TokenError(error instanceof Error ? error.message : String(error), true, { cause: error });
}

function readClaims(payload: JWTPayload): TokenClaims {
  const bound = payload['kubernetes.io'] as Partial<BoundClaims> | undefined;
  const account = bound?.serviceaccount;
  if (
    typeof bound?.namespace !== 'string' ||
    typeof account?.name !== 'string' ||
    typeof account.uid !== 'string' ||
    payload.exp === undefined ||
    payload.sub !== `system:serviceaccount:${bound.namespace}:${account.name}`
  ) {
    throw new TokenError('token has no valid service account claims', false);
  }
  return {
    subject: payload.sub,
    audiences: typeof payload.aud === 'string' ? [payload.aud] : (payload.aud ?? []),
    issuedAt: payload.iat ?? 0,
    expiresAt: payload.exp,
    id: payload.jti ?? '',
    bound: bound as BoundClaims,
  };
}

/** As upstream derives it: the SHA-256 of the public key's DER, base64url. */
export function keyId(publicKey: crypto.KeyObject): string {
  return crypto
    .createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}

/** The document at `/openid/v1/jwks`, by which others verify our tokens. */
export async function jsonWebKeySet(keyPems: readonly string[]): Promise<{ readonly keys: readonly JWK[] }> {
  const keys = await Promise.all(
    keyPems.map(async (pem) => {
      const key = crypto.createPublicKey(pem);
      return { use: 'sig', kid: keyId(key), alg: algorithm, ...(await exportJWK(key)) };
    }),
  );
  return { keys };
}

/** The document at `/.well-known/openid-configuration`. */
export function openIdConfiguration(issuer: string, jwksUri: string): Readonly<Record<string, string | string[]>> {
  return {
    issuer,
    jwks_uri: jwksUri,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [algorithm],
  };
}
