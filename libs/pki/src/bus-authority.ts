import type * as natsJwt from '@nats-io/jwt';

/** Loaded when it is wanted: a cluster in one process has no broker. */
function load(): Promise<typeof natsJwt> {
  return import('@nats-io/jwt');
}

/**
 * Who may be who on the bus: NATS' decentralised identities. The operator vouches for one account, the account for users; the
 * broker knows the first two and need not be told about the third, so that components come and go while it runs.
 */
export interface BusAuthority {
  /** For the broker's configuration. */
  readonly operatorJwt: string;
  readonly accountJwt: string;
  /** Public key of the account, `A…`. */
  readonly account: string;
  /** Signs users' credentials, `SA…`. Secret. */
  readonly accountSeed: string;
}

/** What a user may do on the bus, in subjects. */
export interface BusPermissions {
  readonly publish: readonly string[];
  /** `subject` or `subject queue`. */
  readonly subscribe: readonly string[];
  /** May answer whom it was asked by, within this time. Absent: it serves nobody. */
  readonly answersWithinMs?: number;
}

export interface BusTokenRequest {
  /** The user's name, in the broker's log. */
  readonly user: string;
  /** `U…`: whoever has its seed is the user. */
  readonly publicKey: string;
  readonly permissions: BusPermissions;
  /** Milliseconds since the epoch; the broker ends the connection then. */
  readonly expiresAt: number;
}

/** Proves who one is to the broker. */
export interface BusKey {
  readonly publicKey: string;
  /** `SU…`. Secret. */
  readonly seed: string;
}

export async function createBusKey(): Promise<BusKey> {
  const pair = (await load()).createUser();
  return { publicKey: pair.getPublicKey(), seed: text(pair.getSeed()) };
}

/** A new operator with one account. The operator's key is not kept: all that it ever signs is this account. */
export async function createBusAuthority(name: string): Promise<BusAuthority> {
  const { createAccount, createOperator, encodeAccount, encodeOperator } = await load();
  const operator = createOperator();
  const account = createAccount();
  return {
    operatorJwt: await encodeOperator(name, operator),
    accountJwt: await encodeAccount(name, account, { limits: unlimited }, { signer: operator }),
    account: account.getPublicKey(),
    accountSeed: text(account.getSeed()),
  };
}

/** A user's credential. Rejects with `RangeError` if the key is not a user's public key. */
export async function issueBusToken(accountSeed: string, request: BusTokenRequest): Promise<string> {
  const { publish, subscribe, answersWithinMs } = request.permissions;
  const { encodeUser, fromPublic } = await load();
  return encodeUser(
    request.user,
    userKey(fromPublic, request.publicKey),
    Buffer.from(accountSeed),
    {
      // An empty list would allow everything.
      pub: publish.length === 0 ? { allow: [], deny: ['>'] } : { allow: [...publish], deny: [] },
      sub: subscribe.length === 0 ? { allow: [], deny: ['>'] } : { allow: [...subscribe], deny: [] },
      ...(answersWithinMs === undefined ? {} : { resp: { max: 1, ttl: answersWithinMs * NANOSECONDS } }),
      ...noLimits,
    },
    { exp: Math.floor(request.expiresAt / 1000) },
  );
}

function userKey(fromPublic: typeof natsJwt.fromPublic, publicKey: string): ReturnType<typeof fromPublic> {
  try {
    if (publicKey.startsWith('U')) return fromPublic(publicKey);
  } catch {
    // Said below.
  }
  throw new RangeError('not the public key of a NATS user');
}

const NANOSECONDS = 1e6;
const noLimits = { subs: -1, data: -1, payload: -1 };
const unlimited = { ...noLimits, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: 0 };

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('ascii');
}
