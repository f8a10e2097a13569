import { join } from 'node:path';
import { obtainBusIdentity } from '#client';
import { kubeletClientRequest } from '#pki';
import { hostAddresses, type ProcessContext, type ProcessIdentity, SettingsError, users } from '#process';
import { type NodeAgentConfig } from './config';
import { ensureNodeIdentity } from './identity/node-identity';
import { machineName, type settings } from './settings';

type Process = ProcessContext<typeof settings>;
type Server = Omit<NonNullable<NodeAgentConfig['server']>, 'host' | 'port'>;

/** Who the process is, and with what its nodes serve. */
export interface JoinedCluster {
  /** Absent: as the bus knows no identities. */
  readonly identity?: ProcessIdentity;
  readonly server: Server;
}

/** Only gateways may look into pods. */
const allowedClients = [kubeletClientRequest().commonName];

/**
 * With API_SERVERS the process is one node: it has a certificate of that node, or asks for one with its bootstrap token, renews it, and
 * shows it to gateways and NATS. Without, it must be told with what to serve, and NATS must be on loopback.
 */
export async function joinCluster(process: Process): Promise<JoinedCluster> {
  const { settings, clock, random, logger, signal } = process;
  const { API_SERVERS: servers, SERVING_CERT_FILE: certificatePem, SERVING_KEY_FILE: keyPem } = settings;
  const serving = certificatePem === undefined || keyPem === undefined ? undefined : { certificatePem, keyPem };
  if (servers === undefined) {
    const clientCaPem = settings.CLIENT_CA_FILE ?? settings.TLS_CA_FILE;
    if (serving === undefined || clientCaPem === undefined) {
      throw new SettingsError([
        'Without API_SERVERS to ask, SERVING_CERT_FILE, SERVING_KEY_FILE and CLIENT_CA_FILE must be set.',
      ]);
    }
    return { server: { ...serving, clientCaPem, allowedClients } };
  }
  if (settings.NODES !== 1)
    throw new SettingsError(['NODES must be 1 where API_SERVERS is set: a node has one identity.']);
  const nodeName = settings.NODE_NAME ?? machineName();
  const token = settings.BOOTSTRAP_TOKEN_FILE?.trim();
  const { TLS_CERT_FILE: nodeCertificate, TLS_KEY_FILE: nodeKey } = settings;
  const given =
    nodeCertificate === undefined || nodeKey === undefined
      ? undefined
      : { certificatePem: nodeCertificate, keyPem: nodeKey };
  const node = await ensureNodeIdentity({
    nodeName,
    directory: join(settings.DATA_DIR, 'identity'),
    servers,
    clock,
    random,
    logger,
    signal,
    ...(given === undefined ? {} : { initial: given }),
    ...(token === undefined ? {} : { bootstrapToken: token }),
    ...(settings.TLS_CA_FILE === undefined ? {} : { caPem: settings.TLS_CA_FILE }),
    ...(settings.CA_HASH === undefined ? {} : { caHash: settings.CA_HASH }),
  });
  process.add({ name: 'node identity', stop: () => node.stop() });
  const user = users.node(nodeName);
  const bus = await obtainBusIdentity({
    servers,
    tls: () => ({ caPem: node.authorityPem, ...node.current() }),
    user,
    userAgent: 'kubelet/v1.36.2',
    clock,
    random,
    logger,
    signal,
  });
  process.add({ name: 'bus identity', stop: () => Promise.resolve(bus.stop()) });
  const clientCaPem = settings.CLIENT_CA_FILE ?? node.authorityPem;
  const identity = {
    bus,
    servers: bus.servers,
    readsAs: user,
    tls: () => ({ caPem: node.authorityPem, ...node.current() }),
  };
  if (serving !== undefined) return { identity, server: { ...serving, clientCaPem, allowedClients } };
  const address = settings.NODE_IP ?? hostAddresses()[0] ?? '127.0.0.1';
  const renewed = await node.serving({ ipAddresses: [address] });
  return {
    identity,
    server: {
      ...renewed.current(),
      onRenewed: (listener) => renewed.onRenewed(listener),
      clientCaPem,
      allowedClients,
    },
  };
}
