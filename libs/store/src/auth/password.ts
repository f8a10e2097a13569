import crypto from 'node:crypto';
import { promisify } from 'node:util';
import { storeErrors } from '../errors';

const scrypt = promisify(crypto.scrypt) as (
  password: string,
  salt: Buffer,
  length: number,
  options: crypto.ScryptOptions,
) => Promise<Buffer>;

/** RFC 7914 with the parameters that its author recommends for logins: 16 MiB and about 50 ms. */
const COST = 16_384;
const BLOCK_SIZE = 8;
const PARALLELISM = 1;
const HASH_BYTES = 32;
const SALT_BYTES = 16;

/** More than this waiting, and the store says it is overloaded. */
const MAX_WAITING = 100;

/**
 * Hashes passwords, one at a time: hashing runs on the threads that also write the log, and who guesses passwords must not keep those busy.
 */
export class PasswordHasher {
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  /** @returns `scrypt$cost$blockSize$parallelism$salt$hash`, salted at random */
  async hash(password: string): Promise<string> {
    const salt = crypto.randomBytes(SALT_BYTES);
    const hash = await this.derive(password, salt, HASH_BYTES, { N: COST, r: BLOCK_SIZE, p: PARALLELISM });
    return ['scrypt', COST, BLOCK_SIZE, PARALLELISM, salt.toString('base64'), hash.toString('base64')].join('$');
  }

  /** In the same time whether or not there is such a user. @param hash undefined: there is none, or it has no password */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    const [, cost, blockSize, parallelism, salt = '', expected = ''] = (hash ?? NOBODYS).split('$');
    const options = { N: Number(cost), r: Number(blockSize), p: Number(parallelism) };
    const wanted = Buffer.from(expected, 'base64');
    const derived = await this.derive(password, Buffer.from(salt, 'base64'), wanted.length, options);
    return crypto.timingSafeEqual(derived, wanted) && hash !== undefined;
  }

  private async derive(password: string, salt: Buffer, length: number, options: crypto.ScryptOptions): Promise<Buffer> {
    if (this.waiting >= MAX_WAITING) throw storeErrors.tooManyRequests();
    this.waiting++;
    const derived = this.last.then(() => scrypt(password, salt, length, options));
    this.last = derived.catch(() => undefined).finally(() => this.waiting--);
    return derived;
  }
}

/** The hash of no password. */
const NOBODYS = `scrypt$${COST}$${BLOCK_SIZE}$${PARALLELISM}$${Buffer.alloc(SALT_BYTES).toString('base64')}$${Buffer.alloc(HASH_BYTES).toString('base64')}`;
