import { type Secret } from '#api';
import { type DeepReadonly } from '#machinery';
import { type ImageCredentials } from '#runtime';
import { registryOf } from './image-name';

interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
}

const hubAliases = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/** Credentials for an image from `kubernetes.io/dockerconfigjson` and `dockercfg` Secrets: the entry with the longest matching path. */
export function credentialsFor(image: string, secrets: readonly DeepReadonly<Secret>[]): ImageCredentials | undefined {
  const registry = registryOf(image);
  const target = registry === 'docker.io' ? `docker.io/${image.replace(/^docker\.io\//, '')}` : image;
  let best: { readonly length: number; readonly credentials: ImageCredentials } | undefined;
  for (const secret of secrets) {
    for (const [key, entry] of Object.entries(authEntries(secret))) {
      const prefix = normalizeKey(key);
      const isMatch = target === prefix || target.startsWith(`${prefix}/`) || target.startsWith(`${prefix}:`);
      const credentials = decodeEntry(entry, key);
      if (isMatch && credentials !== undefined && prefix.length > (best?.length ?? -1)) {
        best = { length: prefix.length, credentials };
      }
    }
  }
  return best?.credentials;
}

function authEntries(secret: DeepReadonly<Secret>): Record<string, AuthEntry> {
  const { '.dockerconfigjson': modern, '.dockercfg': legacy } = secret.data ?? {};
  const encoded = modern ?? legacy;
  if (encoded === undefined) return {};
  try {
    const parsed = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as Record<string, unknown>;
    return ((modern === undefined ? parsed : parsed.auths) ?? {}) as Record<string, AuthEntry>;
  } catch (error) {
    // A Secret that somebody wrote wrongly gives no credentials: the pull then says what is missing.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function normalizeKey(key: string): string {
  const bare = key
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/$/, '');
  const [host = '', ...rest] = bare.split('/');
  return [hubAliases.includes(host) ? 'docker.io' : host, ...rest].join('/');
}

function decodeEntry(entry: AuthEntry, serverAddress: string): ImageCredentials | undefined {
  if (entry.username !== undefined && entry.password !== undefined) {
    return { username: entry.username, password: entry.password, serverAddress };
  }
  if (entry.auth === undefined) return undefined;
  const text = Buffer.from(entry.auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1), serverAddress };
}
