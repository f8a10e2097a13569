import { type BusCredentials, type BusIdentity } from '#bus';
import { type Clock, type Timer } from '#machinery';
import { createBusKey, issueBusToken } from '#pki';
import { gatewayPermissions } from './bus-credentials';

export interface GatewayIdentityOptions {
  /** Of the bus's account, `SA…`. Secret. */
  readonly accountSeed: string;
  /** Names the gateway on the bus. */
  readonly user: string;
  readonly clock: Clock;
}

const lifetimeMs = 24 * 3600_000;
const renewEveryMs = 16 * 3600_000;

/** A gateway vouches for itself, since it holds the account's key. Renewed until it is stopped. */
export async function gatewayBusIdentity(options: GatewayIdentityOptions): Promise<BusIdentity & { stop(): void }> {
  const { accountSeed, user, clock } = options;
  const listeners = new Set<() => void>();
  const { publicKey, seed } = await createBusKey();
  const issue = async (): Promise<BusCredentials> => {
    const expiresAt = clock.now() + lifetimeMs;
    const permissions = gatewayPermissions(user);
    return { seed, token: await issueBusToken(accountSeed, { user, publicKey, permissions, expiresAt }) };
  };
  let current = await issue();
  let timer: Timer | undefined;
  let isStopped = false;
  const schedule = (): void => {
    timer = clock.setTimer(renewEveryMs, () => {
      // Signing with a key that has signed before does not fail.
      void issue().then((next) => {
        if (isStopped) return;
        current = next;
        schedule();
        for (const listener of listeners) listener();
      });
    });
  };
  schedule();
  return {
    user,
    credentials: () => current,
    onRenewed(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      isStopped = true;
      timer?.cancel();
    },
  };
}
