import { createHash } from 'node:crypto';
import { type Clock } from '#machinery';
import { type ImageCredentials } from '../../../container-runtime';
import { type Challenge, parseChallenges } from './challenge';
import { type Endpoint } from './endpoints';
import { discard, readAtMost, type RegistryHttp } from './registry-http';
import { ContentError, RegistryError } from './registry-error';
import { type RetryContext, withRetries } from './retry';

/** Tokens that say nothing else are good for so long (distribution's token specification). */
const defaultLifetimeS = 60;
/** A token is not used in its last seconds. */
const marginMs = 5_000;
const mostTokens = 500;
const mostTokenBytes = 1 << 20;

/** Who asks whom for what. */
export interface Access {
  readonly endpoint: Endpoint;
  /** `repository:library/nginx:pull` */
  readonly scope: string;
  readonly credentials?: ImageCredentials;
}

interface Token {
  readonly header: string;
  /** Monotonic; Infinity: the password itself. */
  readonly expiresAt: number;
}

/**
 * Answers registries' challenges: Bearer tokens of distribution's token server, and Basic. Headers are kept per endpoint, scope and credentials until they end.
 */
export class Authorizer {
  private readonly tokens = new Map<string, Token>();
  private readonly asking = new Map<string, Promise<Token>>();

  constructor(
    private readonly http: RegistryHttp,
    private readonly clock: Clock,
  ) {}

  /** The header that was good last; undefined: none yet. */
  known(access: Access): string | undefined {
    const token = this.tokens.get(keyOf(access));
    return token === undefined || token.expiresAt <= this.clock.monotonic() ? undefined : token.header;
  }

  /** The header that a registry which answered 401 asks for. Rejects with `RegistryError` 401 when there is none. */
  async answer(access: Access, challengeHeader: string, context: RetryContext): Promise<string> {
    const key = keyOf(access);
    this.tokens.delete(key);
    const running = this.asking.get(key);
    // With another's signal: if that one aborts, this one asks for itself.
    const token = await (running?.catch(() => undefined) ?? undefined);
    if (token !== undefined) return token.header;
    const request = this.request(access, parseChallenges(challengeHeader), context);
    this.asking.set(key, request);
    try {
      const found = await request;
      if (this.tokens.size >= mostTokens) this.tokens.clear();
      this.tokens.set(key, found);
      return found.header;
    } finally {
      this.asking.delete(key);
    }
  }

  private async request(access: Access, challenges: readonly Challenge[], context: RetryContext): Promise<Token> {
    const { credentials } = access;
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer !== undefined) return withRetries(context, () => this.fetchToken(access, bearer, context.signal));
    if (challenges.some(({ scheme }) => scheme === 'basic') && credentials !== undefined) {
      return { header: basic(credentials), expiresAt: Infinity };
    }
    throw new RegistryError('no basic auth credentials', 401);
  }

  private async fetchToken(access: Access, { parameters }: Challenge, signal: AbortSignal): Promise<Token> {
    const { endpoint, credentials } = access;
    const url = realmOf(parameters['realm'], endpoint);
    if (parameters['service'] !== undefined) url.searchParams.set('service', parameters['service']);
    url.searchParams.append('scope', access.scope);
    // The realm is another host, as a rule: credentials go to it, as the registry's own.
    const realm: Endpoint = url.origin === new URL(endpoint.base).origin ? endpoint : { ...endpoint, base: url.origin };
    const answer = await this.http.get(realm, url.href, {
      headers: credentials === undefined ? {} : { authorization: basic(credentials) },
      signal,
    });
    if (answer.status !== 200) throw await this.http.errorOf(answer);
    const body = JSON.parse((await readAtMost(answer, mostTokenBytes)).toString('utf8')) as Record<string, unknown>;
    discard(answer);
    const token = body['token'] ?? body['access_token'];
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
      throw new ContentError(`${url.origin}${url.pathname} gave no token`);
    }
    const lifetime = typeof body['expires_in'] === 'number' ? body['expires_in'] : defaultLifetimeS;
    return {
      header: `Bearer ${token}`,
      expiresAt: this.clock.monotonic() + Math.max(lifetime, defaultLifetimeS) * 1000 - marginMs,
    };
  }
}

function realmOf(realm: string | undefined, { allowsPlain, base }: Endpoint): URL {
  let url: URL;
  try {
    url = new URL(realm ?? '');
  } catch {
    throw new ContentError(`${base} wants a token from "${realm ?? ''}", which is no URL`);
  }
  if (url.protocol === 'https:' || (url.protocol === 'http:' && allowsPlain)) return url;
  throw new ContentError(`${base} wants credentials sent to ${url.origin}, which is not secure`);
}

function basic({ username, password }: ImageCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Passwords are not kept in a key. */
function keyOf({ endpoint, scope, credentials }: Access): string {
  const who = credentials === undefined ? '' : `${credentials.username}\0${credentials.password}`;
  return [endpoint.base, scope, createHash('sha256').update(who).digest('hex')].join('\0');
}
