import { isIP } from 'node:net';
import { type Clock } from '#machinery';
import { type Settings } from '#process';
import { type ClusterOptions, createPeerTransport, parseInitialCluster, type PeerTransportOptions } from '#store';
import { type Logger, type Registry } from '#telemetry';
import { type StoreServerConfig } from './config';
import { type settings } from './settings';

type StoreSettings = Settings<typeof settings>;

/**
 * How this member finds the others; undefined: it is the only one. @throws Error that says what is wrong with the settings
 */
export async function clusterOptions(
  settings: StoreSettings,
  dependencies: {
    readonly clock: Clock;
    readonly random: () => number;
    readonly logger: Logger;
    readonly metrics?: Registry;
    /** Gives up waiting for members that know this one. */
    readonly signal?: AbortSignal;
  },
): Promise<ClusterOptions | undefined> {
  const { STORE_INITIAL_CLUSTER: entries, STORE_NAME: name, LISTEN_ADDRESS: listen } = settings;
  if (entries === undefined) return undefined;
  const initialCluster = parseInitialCluster(entries, name, { list: 'STORE_INITIAL_CLUSTER', name: 'STORE_NAME' });
  const own = initialCluster.filter((member) => member.name === name).map(({ peerUrl }) => peerUrl);
  const scheme = settings.SERVING_CERT_FILE === undefined ? 'http' : 'https';
  const host = isIP(listen.host) === 6 ? `[${listen.host}]` : listen.host;
  const tls = peerTls(settings);
  const { STORE_HEARTBEAT_INTERVAL: tickMs, STORE_ELECTION_TIMEOUT: electionMs } = settings;
  if (electionMs < 5 * tickMs) {
    throw new Error('STORE_ELECTION_TIMEOUT must be at least five times STORE_HEARTBEAT_INTERVAL');
  }
  return {
    name,
    initialCluster,
    peerUrls: settings.STORE_PEER_URLS ?? own,
    clientUrls: settings.STORE_CLIENT_URLS ?? [`${scheme}://${host}:${listen.port}`],
    token: settings.STORE_INITIAL_CLUSTER_TOKEN,
    state: settings.STORE_INITIAL_CLUSTER_STATE,
    transport: await createPeerTransport({
      listen: settings.STORE_PEER_LISTEN_ADDRESS,
      ...(tls === undefined ? {} : { tls }),
      ...dependencies,
    }),
    ...(dependencies.signal === undefined ? {} : { signal: dependencies.signal }),
    catchUpBytes: Math.ceil(settings.STORE_SNAPSHOT_BYTES / 2),
    tickMs,
    electionTicks: Math.round(electionMs / tickMs),
  };
}

/** All three or none. @throws Error */
function peerTls(settings: StoreSettings): PeerTransportOptions['tls'] {
  const { PEER_CERT_FILE: certificatePem, PEER_KEY_FILE: keyPem, PEER_CA_FILE: caPem } = settings;
  if (certificatePem === undefined && keyPem === undefined && caPem === undefined) return undefined;
  if (certificatePem === undefined || keyPem === undefined || caPem === undefined) {
    throw new Error('PEER_CERT_FILE, PEER_KEY_FILE and PEER_CA_FILE belong together: set all of them, or none');
  }
  const { PEER_ALLOWED_NAMES: allowedNames } = settings;
  return { certificatePem, keyPem, caPem, ...(allowedNames === undefined ? {} : { allowedNames }) };
}

/** Certificate and key, or neither: then there is no TLS. @throws Error */
export function servingTls(settings: StoreSettings): StoreServerConfig['tls'] {
  const { SERVING_CERT_FILE: certificatePem, SERVING_KEY_FILE: keyPem, CLIENT_CA_FILE: clientCaPem } = settings;
  if (certificatePem === undefined && keyPem === undefined) return undefined;
  if (certificatePem === undefined || keyPem === undefined) {
    throw new Error('SERVING_CERT_FILE and SERVING_KEY_FILE belong together: set both of them, or neither');
  }
  const { CLIENT_ALLOWED_NAMES: allowedNames } = settings;
  return {
    certificatePem,
    keyPem,
    ...(clientCaPem === undefined ? {} : { clientCaPem }),
    ...(allowedNames === undefined ? {} : { allowedNames }),
  };
}
