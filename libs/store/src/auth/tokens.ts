import crypto from 'node:crypto';

/** etcd's: a token that has not been used for so long is worth nothing. */
const TTL_MS = 5 * 60_000;
const SWEEP_MS = 1_000;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LENGTH = 32;
/** As etcd's: letters, a dot, the index of the log's entry that gave it. */
const TOKEN = /^(?<secret>[A-Za-z]+)\.(?<index>\d{1,16})$/;

/** Whom a token stands for. */
export interface Bearer {
  readonly user: string;
  /** The revision of users and roles that gave the user this password. */
  readonly since: number;
}

/** As the log carries it: who reads that learns of no token. */
export interface IssuedToken extends Bearer {
  readonly digest: Buffer;
}

export function newSecret(): string {
  return Array.from({ length: LENGTH }, () => LETTERS[crypto.randomInt(LETTERS.length)]).join('');
}

export function digestOf(secret: string): Buffer {
  return crypto.createHash('sha256').update(secret).digest();
}

/** The entry that gave a token; undefined: it is none. */
export function indexOf(token: string): number | undefined {
  const index = TOKEN.exec(token)?.groups?.['index'];
  return index === undefined ? undefined : Number(index);
}

/**
 * etcd's "simple" tokens: all members hear of each by the log, and remember it until it has not been used there for a while, or until
 * they restart.
 */
export class Tokens {
  private readonly known = new Map<string, { readonly bearer: Bearer; deadline: number }>();
  private sweptAt = -Infinity;

  /** @param now monotonic, ms */
  constructor(private readonly now: () => number) {}

  admit({ user, since, digest }: IssuedToken, index: number): void {
    this.forgetExpired();
    this.known.set(nameOf(digest, index), { bearer: { user, since }, deadline: this.now() + TTL_MS });
  }

  /** Whom it stands for, if it is still worth something; from now on it is for another five minutes. */
  use(token: string): Bearer | undefined {
    const { secret, index } = TOKEN.exec(token)?.groups ?? {};
    if (secret === undefined) return undefined;
    const known = this.known.get(nameOf(digestOf(secret), Number(index)));
    const now = this.now();
    if (known === undefined || known.deadline <= now) return undefined;
    known.deadline = now + TTL_MS;
    return known.bearer;
  }

  clear(): void {
    this.known.clear();
  }

  private forgetExpired(): void {
    const now = this.now();
    if (now < this.sweptAt + SWEEP_MS) return;
    this.sweptAt = now;
    for (const [name, { deadline }] of this.known) if (deadline <= now) this.known.delete(name);
  }
}

function nameOf(digest: Buffer, index: number): string {
  return `${digest.toString('base64')}.${index}`;
}
