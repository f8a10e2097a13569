import crypto from 'node:crypto';
import { type Clock } from '#machinery';

/** etcd's: a token that has not been used for so long is worth nothing. */
const TTL_MS = 5 * 60_000;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LENGTH = 32;

/** Whom a token stands for. */
export interface Bearer {
  readonly user: string;
  /** The revision of users and roles that gave the user this password. */
  readonly since: number;
}

/** etcd's "simple" tokens: known to this member alone, and until it restarts. */
export class Tokens {
  private readonly bearers = new Map<string, { readonly bearer: Bearer; deadline: number }>();

  constructor(private readonly clock: Clock) {}

  /** @param index makes it look as etcd's does: letters, a dot, the log's index */
  issue(bearer: Bearer, index: number): string {
    this.forgetExpired();
    const letters = Array.from({ length: LENGTH }, () => LETTERS[crypto.randomInt(LETTERS.length)]).join('');
    const token = `${letters}.${index}`;
    this.bearers.set(token, { bearer, deadline: this.clock.monotonic() + TTL_MS });
    return token;
  }

  /** Whom it stands for, if it is still worth something; from now on it is for another five minutes. */
  use(token: string): Bearer | undefined {
    const known = this.bearers.get(token);
    const now = this.clock.monotonic();
    if (known === undefined || known.deadline <= now) return undefined;
    known.deadline = now + TTL_MS;
    return known.bearer;
  }

  private forgetExpired(): void {
    const now = this.clock.monotonic();
    for (const [token, { deadline }] of this.bearers) if (deadline <= now) this.bearers.delete(token);
  }
}
