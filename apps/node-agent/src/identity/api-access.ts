import { type ClosableObjectClient, type ObjectClient, createHttpClient } from '#client';
import { ApiError, type Clock } from '#machinery';
import { type KeyPair } from '#pki';

/** With what a call is made. */
export type Credentials = { readonly token: string } | KeyPair;

/** Opens a connection of its own: credentials change, and no call may ride on an older one's. */
export type Connect = (server: string, authorityPem: string, credentials: Credentials) => ClosableObjectClient;

export interface HttpConnectOptions {
  readonly clock: Clock;
  readonly random: () => number;
}

export function httpConnect({ clock, random }: HttpConnectOptions): Connect {
  return (server, ca, credentials) =>
    createHttpClient({
      server,
      ca,
      clock,
      random,
      connections: 1,
      userAgent: 'kubelet/v1.36.2',
      ...('token' in credentials
        ? { token: credentials.token }
        : { cert: credentials.certificatePem, key: credentials.keyPem }),
    });
}

/** Calls one of several servers, the one that answered last first. */
export class ApiAccess {
  private preferred = 0;

  constructor(
    private readonly servers: readonly string[],
    private readonly authorityPem: string,
    private readonly connect: Connect,
  ) {
    if (servers.length === 0) throw new Error('no API server is given');
  }

  /** Rejects with the answer of the first server that gives one, or with the last failure to get any. */
  async call<T>(credentials: Credentials, use: (client: ObjectClient) => Promise<T>): Promise<T> {
    let failure: unknown;
    for (let tried = 0; tried < this.servers.length; tried++) {
      const index = (this.preferred + tried) % this.servers.length;
      const client = this.connect(this.servers[index] ?? '', this.authorityPem, credentials);
      try {
        const result = await use(client);
        this.preferred = index;
        return result;
      } catch (error) {
        if (!isUnanswered(error)) throw error;
        failure = error;
      } finally {
        await client.close();
      }
    }
    throw failure;
  }
}

/** Nobody was there, or nobody in a state to answer: another server, or the same one later, may. */
export function isUnanswered(error: unknown): boolean {
  return !(error instanceof ApiError) || error.code >= 500 || error.code === 429;
}
