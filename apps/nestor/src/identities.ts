import { type ClosableObjectClient, createBusClient } from '#client';
import { type Bus } from '#bus';
import { type Clock } from '#machinery';

const SERVICE_ACCOUNT_GROUPS = ['system:serviceaccounts', 'system:serviceaccounts:kube-system'];

/** Components act as upstream's do, so that upstream's bootstrap roles fit: each under a user name of its own. */
export const users = {
  scheduler: 'system:kube-scheduler',
  /** May list and watch everything: the caches that all controllers of this process share. */
  informers: 'system:kube-controller-manager',
  /** Installs what belongs to every cluster (`kube-dns`), as an administrator would. */
  addons: 'system:addon-manager',
  controller: (name: string): string => `system:serviceaccount:kube-system:${name}`,
  node: (name: string): string => `system:node:${name}`,
} as const;

/** The groups of a component's user. */
export function groupsOf(user: string): readonly string[] {
  if (user === users.addons) return ['system:masters'];
  if (user.startsWith('system:serviceaccount:')) return SERVICE_ACCOUNT_GROUPS;
  if (user.startsWith('system:node:')) return ['system:nodes'];
  return [];
}

/** Makes clients over the bus, one a user and agent. */
export class ClientFactory {
  private readonly clients = new Map<string, ClosableObjectClient>();

  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly random: () => number,
  ) {}

  as(user: string, agent: string): ClosableObjectClient {
    const key = `${user} ${agent}`;
    let client = this.clients.get(key);
    if (client === undefined) {
      const { bus, clock, random } = this;
      client = createBusClient({ bus, user, clock, random, userAgent: `${agent}/v1.36.2` });
      this.clients.set(key, client);
    }
    return client;
  }
}
