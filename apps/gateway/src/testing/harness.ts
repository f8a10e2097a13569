import 'reflect-metadata';
import { Agent, request } from 'undici';
import { type Bus, createInProcessBus } from '#bus';
import { systemClock } from '#machinery';
import { type KeyPair, apiServerRequest, createAuthority, createSigningKey, issueCertificate } from '#pki';
import { type KeyValueStore, createMemoryStore } from '#store';
import { silentLogger } from '#telemetry';
import { type GatewayConfig } from '../config';
import { type GatewayDependencies, type RunningGateway, createGateway } from '../gateway';

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

/**
 * @param prepare gives the store a past before the gateway starts
 * @param config what is different from a gateway that lets `admin` do everything
 */
export async function startHarness(
  prepare?: (store: KeyValueStore) => Promise<void>,
  config: Partial<GatewayConfig> = {},
): Promise<Harness> {
  const store = createMemoryStore({ clock: systemClock, logger: silentLogger() });
  await prepare?.(store);
  const bus = createInProcessBus({ clock: systemClock, random: Math.random });
  const keys = await createKeys();
  const one = await startOne(keys, store, bus, { config });
  return {
    ...one,
    store,
    bus,
    async stop() {
      await one.stop();
      await bus.close();
      await store.close();
    },
  };
}

/** Several gateways on one store, which elect their publisher. */
export interface Gateways {
  readonly gateways: readonly OneGateway[];
  readonly store: KeyValueStore;
  readonly bus: Bus;
  stop(): Promise<void>;
}

type OneGateway = Omit<Harness, 'store' | 'bus'>;

export async function startGateways(
  count: number,
  { advertise, ...options }: Pick<GatewayDependencies, 'publisherElector'> & { readonly advertise?: string } = {},
): Promise<Gateways> {
  const store = createMemoryStore({ clock: systemClock, logger: silentLogger() });
  const bus = createInProcessBus({ clock: systemClock, random: Math.random });
  const keys = await createKeys();
  const config = advertise === undefined ? {} : { advertise: { address: advertise } };
  // All at once, as after a power cut.
  const gateways = await Promise.all(
    Array.from({ length: count }, () => startOne(keys, store, bus, { ...options, config })),
  );
  return {
    gateways,
    store,
    bus,
    async stop() {
      for (const gateway of gateways) await gateway.stop();
      await bus.close();
      await store.close();
    },
  };
}

interface Keys {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly authority: KeyPair;
  readonly serviceAccountKeyPem: string;
}

async function createKeys(): Promise<Keys> {
  const now = Date.now();
  const authority = await createAuthority('test', now);
  const serving = apiServerRequest({ serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' });
  const pair = await issueCertificate(authority, serving, now);
  return { ...pair, authority, serviceAccountKeyPem: createSigningKey() };
}

async function startOne(
  keys: Keys,
  store: KeyValueStore,
  bus: Bus,
  { config, publisherElector }: Pick<GatewayDependencies, 'publisherElector'> & { config?: Partial<GatewayConfig> },
): Promise<OneGateway> {
  const issuer = 'https://kubernetes.default.svc.cluster.local';
  const gateway = await createGateway(
    {
      host: '127.0.0.1',
      port: 0,
      tls: { certificatePem: keys.certificatePem, keyPem: keys.keyPem, clientCaPem: keys.authority.certificatePem },
      serviceCidr: '10.96.0.0/16',
      nodePortRange: [30000, 32767],
      serviceAccounts: { issuer, keyPem: keys.serviceAccountKeyPem, audiences: [issuer] },
      groupsOf: (user) => (user === 'admin' ? ['system:masters'] : []),
      tokens: [{ token: 'admin', user: 'admin', uid: '1', groups: ['system:masters'] }],
      ...config,
    },
    { store, bus, logger: silentLogger(), ...(publisherElector === undefined ? {} : { publisherElector }) },
  );
  const dispatcher = new Agent({ connect: { ca: keys.authority.certificatePem } });
  return {
    gateway,
    dispatcher,
    authority: keys.authority,
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
        body: isJson && text !== '' ? (JSON.parse(text) as unknown) : undefined,
      };
    },
    async stop() {
      await dispatcher.close();
      await gateway.stop();
    },
  };
}

export const configMaps = '/api/v1/namespaces/default/configmaps';

export function configMap(name: string, data: Record<string, string> = {}, labels?: Record<string, string>): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...(labels === undefined ? {} : { labels }) }, data };
}
