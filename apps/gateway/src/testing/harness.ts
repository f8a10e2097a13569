import 'reflect-metadata';
import { Agent, request } from 'undici';
import { type Bus, createInProcessBus } from '#bus';
import { systemClock } from '#machinery';
import { type KeyPair, apiServerRequest, createAuthority, createSigningKey, issueCertificate } from '#pki';
import { type KeyValueStore, createMemoryStore } from '#store';
import { silentLogger } from '#telemetry';
import { type RunningGateway, createGateway } from '../gateway';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body, if it is JSON. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look anywhere into it
  readonly body: any;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A gateway on a store in memory, and a client with all rights. */
export interface Harness {
  readonly gateway: RunningGateway;
  readonly store: KeyValueStore;
  readonly bus: Bus;
  readonly dispatcher: Agent;
  /** Signs client certificates. */
  readonly authority: KeyPair;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  stop(): Promise<void>;
}

/** @param prepare gives the store a past before the gateway starts */
export async function startHarness(prepare?: (store: KeyValueStore) => Promise<void>): Promise<Harness> {
  const now = Date.now();
  const logger = silentLogger();
  const authority = await createAuthority('test', now);
  const serving = apiServerRequest({ serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' });
  const { certificatePem, keyPem } = await issueCertificate(authority, serving, now);
  const store = createMemoryStore({ clock: systemClock, logger });
  await prepare?.(store);
  const bus = createInProcessBus({ clock: systemClock, random: Math.random });
  const gateway = await createGateway(
    {
      host: '127.0.0.1',
      port: 0,
      tls: { certificatePem, keyPem, clientCaPem: authority.certificatePem },
      serviceCidr: '10.96.0.0/16',
      nodePortRange: [30000, 32767],
      serviceAccounts: {
        issuer: 'https://kubernetes.default.svc.cluster.local',
        keyPem: createSigningKey(),
        audiences: ['https://kubernetes.default.svc.cluster.local'],
      },
      tokens: [{ token: 'admin', user: 'admin', uid: '1', groups: ['system:masters'] }],
    },
    { store, bus, logger },
  );
  const dispatcher = new Agent({ connect: { ca: authority.certificatePem } });
  return {
    gateway,
    store,
    bus,
    dispatcher,
    authority,
    async call(method, path, { body, contentType = 'application/json', accept, headers = {} } = {}) {
      const answer = await request(`${gateway.url}${path}`, {
        dispatcher,
        method: method as 'GET',
        headers: {
          authorization: 'Bearer admin',
          'user-agent': 'test/1',
          ...(body === undefined ? {} : { 'content-type': contentType }),
          ...(accept === undefined ? {} : { accept }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.body.text();
      const isJson = String(answer.headers['content-type']).startsWith('application/json');
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text,
        body: isJson ? (JSON.parse(text) as unknown) : undefined,
      };
    },
    async stop() {
      await dispatcher.close();
      await gateway.stop();
      await bus.close();
      await store.close();
    },
  };
}

export const configMaps = '/api/v1/namespaces/default/configmaps';

export function configMap(name: string, data: Record<string, string> = {}, labels?: Record<string, string>): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...(labels === undefined ? {} : { labels }) }, data };
}
