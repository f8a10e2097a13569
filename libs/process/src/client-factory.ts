import { type Bus } from '#bus';
import { type ClosableObjectClient, createBusClient, type Fence } from '#client';
import { type Clock } from '#machinery';

export interface ClientFactoryOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: () => number;
  /** Whom the connection belongs to, where the bus knows that. */
  readonly sender?: string;
  /** The term in which this process leads, if it has to be elected. */
  readonly fence?: () => Fence | undefined;
}

/** Makes clients over the bus, one a user and agent. */
export class ClientFactory {
  private readonly clients = new Map<string, ClosableObjectClient>();

  constructor(private readonly options: ClientFactoryOptions) {}

  as(user: string, agent: string): ClosableObjectClient {
    const key = `${user} ${agent}`;
    let client = this.clients.get(key);
    if (client === undefined) {
      client = createBusClient({ ...this.options, user, userAgent: `${agent}/v1.36.2` });
      this.clients.set(key, client);
    }
    return client;
  }
}
