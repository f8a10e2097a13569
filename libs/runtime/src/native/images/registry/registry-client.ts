import { type Clock } from '#machinery';
import { type ImageCredentials } from '../../../container-runtime';
import { digestOf, parseDigest } from '../content/digest';
import { Authorizer } from './authorizer';
import { type Endpoint, endpointsOf, type RegistryConfigs } from './endpoints';
import { acceptedManifests, mostManifestBytes } from './manifest';
import { type Reference } from './reference';
import { type Answer, discard, readAtMost, RegistryHttp } from './registry-http';
import { ContentError, RegistryError } from './registry-error';
import { type RetryContext, withRetries } from './retry';

export interface RegistryClientOptions {
  readonly registries: RegistryConfigs;
  readonly clock: Clock;
  readonly random: () => number;
}

/** One image's repository, asked by one person. */
export interface Source {
  readonly reference: Reference;
  readonly credentials?: ImageCredentials;
}

export interface Fetched {
  readonly digest: string;
  readonly body: Buffer;
}

/** A blob from some byte on. */
export interface BlobStream {
  /** Where it begins: as asked, or 0 when the registry does not give parts. */
  readonly offset: number;
  readonly body: Answer['body'];
}

/**
 * The pull half of the OCI distribution specification. Mirrors are asked first. Rejects with `RegistryError`, and with `ContentError` for what is not what was
 * asked for; what may pass is tried again before.
 */
export class RegistryClient {
  private readonly http: RegistryHttp;
  private readonly authorizer: Authorizer;

  constructor(private readonly options: RegistryClientOptions) {
    this.http = new RegistryHttp(options.clock);
    this.authorizer = new Authorizer(this.http, options.clock);
  }

  /** The manifest of a tag or digest, whole and checked. */
  async manifest(source: Source, which: string, signal: AbortSignal): Promise<Fetched> {
    const { repository } = source.reference;
    const answer = await this.anywhere(source, signal, async (endpoint, context) =>
      withRetries(context, async () => {
        const headers = { accept: acceptedManifests };
        const found = await this.get(endpoint, source, `/v2/${repository}/manifests/${which}`, headers, context);
        return { found, body: await readAtMost(found, mostManifestBytes) };
      }),
    );
    const told = [parseDigest(which) === undefined ? undefined : which, answer.found.headers['docker-content-digest']];
    const expected = told.find((digest): digest is string => typeof digest === 'string');
    const digest = digestOf(answer.body, parseDigest(expected ?? '')?.algorithm);
    for (const one of told) {
      if (one !== undefined && one !== digest) {
        throw new ContentError(
          `the manifest ${which} is not what it should be: it has the digest ${digest}, expected ${String(one)}`,
        );
      }
    }
    return { digest, body: answer.body };
  }

  /** A blob's bytes from `offset` on, unchecked. Not repeated here: whoever reads knows how far it got. */
  blob(source: Source, digest: string, offset: number, signal: AbortSignal): Promise<BlobStream> {
    const path = `/v2/${source.reference.repository}/blobs/${digest}`;
    const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
    return this.anywhere(source, signal, async (endpoint, context) => {
      const answer = await this.get(endpoint, source, path, headers, context);
      return { offset: startOf(answer, offset), body: answer.body };
    });
  }

  retries(signal: AbortSignal): RetryContext {
    return { clock: this.options.clock, random: this.options.random, signal };
  }

  close(): Promise<void> {
    return this.http.close();
  }

  /** The first endpoint that has it. What the registry itself says, it says last and for good. */
  private async anywhere<T>(
    source: Source,
    signal: AbortSignal,
    ask: (endpoint: Endpoint, context: RetryContext) => Promise<T>,
  ): Promise<T> {
    const endpoints = endpointsOf(source.reference.registry, this.options.registries);
    for (const endpoint of endpoints.slice(0, -1)) {
      try {
        return await ask(endpoint, this.retries(signal));
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof RegistryError || error instanceof ContentError)) throw error;
      }
    }
    const [registry] = endpoints.slice(-1);
    if (registry === undefined) throw new Error('not reached: the registry itself is an endpoint');
    return ask(registry, this.retries(signal));
  }

  private async get(
    endpoint: Endpoint,
    source: Source,
    path: string,
    headers: Readonly<Record<string, string>>,
    context: RetryContext,
  ): Promise<Answer> {
    const { reference } = source;
    const credentials = endpoint.isMirror ? undefined : credentialsFor(source);
    const access = {
      endpoint,
      scope: `repository:${reference.repository}:pull`,
      ...(credentials === undefined ? {} : { credentials }),
    };
    // As containerd tells a mirror of several registries which one is meant.
    const url = `${endpoint.base}${path}${endpoint.isMirror ? `?ns=${encodeURIComponent(reference.registry)}` : ''}`;
    let authorization = this.authorizer.known(access);
    for (let attempt = 0; ; attempt++) {
      const sent = authorization === undefined ? headers : { ...headers, authorization };
      const answer = await this.http.get(endpoint, url, { headers: sent, signal: context.signal });
      if (answer.status === 200 || answer.status === 206) return answer;
      // The second time, a token that had been good for long has been replaced; the third, it is an answer.
      const isRefused = answer.status === 401 && attempt < 2;
      if (!isRefused) throw await this.http.errorOf(answer);
      const challenge = answer.headers['www-authenticate'] ?? '';
      discard(answer);
      const renewed = await this.authorizer.answer(access, String(challenge), context);
      if (attempt > 0 && renewed === authorization)
        throw new RegistryError(`authorization failed: ${endpoint.base} refuses the credentials`, 401);
      authorization = renewed;
    }
  }
}

/** Credentials are only for the registry that they name, if they name one. */
function credentialsFor({ reference, credentials }: Source): ImageCredentials | undefined {
  if (credentials?.serverAddress === undefined || credentials.serverAddress === '') return credentials;
  const bare = credentials.serverAddress.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  const host = ['index.docker.io', 'registry-1.docker.io'].includes(bare) ? 'docker.io' : bare;
  return host === reference.registry ? credentials : undefined;
}

/** Where an answer begins (RFC 9110, 14.4). */
function startOf(answer: Answer, asked: number): number {
  if (answer.status !== 206) return 0;
  const [, start] = /^bytes (\d+)-/.exec(String(answer.headers['content-range'] ?? '')) ?? [];
  if (Number(start) === asked) return asked;
  discard(answer);
  throw new ContentError(`the registry sent another part of a blob than was asked for`);
}
