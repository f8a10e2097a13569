import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type ObjectClient } from '#client';
import { type LeaderElector, leaseElector } from '#controller';
import { actsAs, groupsOf, hostAddresses, type ProcessContext, processUser } from '#process';
import { type ConnectStoreOptions } from '#store';
import { type BusIdentity } from '#bus';
import { gatewayBusIdentity } from './bus/gateway-identity';
import { type GatewayConfig } from './config';
import { type settings } from './settings';

type Process = ProcessContext<typeof settings>;

/** Of a listening address: every one that the machine has. */
const ANY = '0.0.0.0';

export function storeOptions({ settings, clock, random, logger }: Process): ConnectStoreOptions {
  const caPem = settings.STORE_CA_FILE ?? settings.TLS_CA_FILE;
  const { TLS_CERT_FILE: certificatePem, TLS_KEY_FILE: keyPem, STORE_ENDPOINTS: endpoints } = settings;
  return {
    endpoints,
    clock,
    random,
    logger,
    ...(caPem === undefined ? {} : { tls: { caPem, certificatePem, keyPem } }),
  };
}

export function gatewayConfig({ settings }: Process): GatewayConfig {
  const { host, port } = settings.LISTEN_ADDRESS;
  const { KUBELET_CLIENT_CERT_FILE: certificatePem, KUBELET_CLIENT_KEY_FILE: keyPem } = settings;
  const { SERVICE_ACCOUNT_ISSUER: issuer } = settings;
  const accountSeed = settings.NATS_ACCOUNT_SEED_FILE?.trim();
  const agents =
    certificatePem === undefined || keyPem === undefined
      ? undefined
      : { certificatePem, keyPem, caPem: settings.KUBELET_CA_FILE ?? settings.CLIENT_CA_FILE };
  return {
    host,
    port,
    tls: {
      certificatePem: settings.SERVING_CERT_FILE,
      keyPem: settings.SERVING_KEY_FILE,
      clientCaPem: settings.CLIENT_CA_FILE,
    },
    advertise: { address: settings.ADVERTISE_ADDRESS ?? (host === ANY ? (hostAddresses()[0] ?? '127.0.0.1') : host) },
    serviceCidr: settings.SERVICE_CIDR,
    nodePortRange: settings.NODE_PORT_RANGE,
    serviceAccounts: { issuer, keyPem: settings.SERVICE_ACCOUNT_KEY_FILE, audiences: [issuer] },
    groupsOf,
    ...(accountSeed === undefined
      ? {}
      : { bus: { accountSeed, actsAs, servers: settings.NATS_ADVERTISE_URL ?? settings.NATS_URL } }),
    shutdownDelayMs: settings.SHUTDOWN_DELAY,
    ...(agents === undefined ? {} : { agents }),
  };
}

/** A gateway vouches for itself. Undefined where the bus knows no identities. */
export async function busIdentity(process: Process): Promise<BusIdentity | undefined> {
  const accountSeed = process.settings.NATS_ACCOUNT_SEED_FILE?.trim();
  if (accountSeed === undefined) return undefined;
  const identity = await gatewayBusIdentity({ accountSeed, user: processUser(process.name), clock: process.clock });
  process.add({ name: 'bus identity', stop: () => Promise.resolve(identity.stop()) });
  return identity;
}

/** Two publishers do no harm, but none for long does: the lease is shorter than those of controllers. */
export function publisherElector({ settings, clock, random, logger }: Process, client: ObjectClient): LeaderElector {
  const { LEASE_DURATION: leaseDurationMs } = settings;
  return leaseElector({
    client,
    lease: { namespace: 'kube-system', name: 'event-publisher' },
    identity: `${hostname()}_${randomUUID()}`,
    clock,
    random,
    logger,
    leaseDurationMs,
    renewDeadlineMs: (leaseDurationMs * 2) / 3,
    retryPeriodMs: leaseDurationMs / 5,
  });
}
