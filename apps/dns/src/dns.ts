import { type InformerFactory } from '#controller';
import { type Clock } from '#machinery';
import { ipFamily } from '#network';
import { type Logger, type Registry, type RunningComponent } from '#telemetry';
import { informerView } from './cluster-view';
import { chain, type Handler } from './handler';
import { cache } from './handlers/cache';
import { ednsVersion } from './handlers/edns-version';
import { forward } from './handlers/forward';
import { internetOnly } from './handlers/internet-only';
import { kubernetes } from './handlers/kubernetes';
import { createDnsMetrics } from './metrics';
import { watchedResolvConf } from './resolv-conf';
import { resolveAddresses } from './resolve-addresses';
import { DnsServer } from './server';
import { createUpstream, type UpstreamAddress } from './upstream';

export interface DnsConfig {
  /** Where to listen, on UDP and TCP. Port 0 picks a free one. */
  readonly listen: readonly UpstreamAddress[];
  /** Default `cluster.local`. */
  readonly zone?: string;
  /** Seconds for which clients may keep records of the zone. Default 5, as CoreDNS's. */
  readonly ttl?: number;
  /** Servers for all other names; default: those of `resolvConf`. */
  readonly upstreams?: readonly UpstreamAddress[];
  /** Default `/etc/resolv.conf`. */
  readonly resolvConf?: string;
}

export interface DnsDependencies {
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Registry;
}

export interface RunningDns extends RunningComponent {
  /** What it listens on, with the ports that were picked. */
  readonly addresses: readonly UpstreamAddress[];
}

/** Builds the chain and starts listening. Until the caches are complete, names of the zone are answered with SERVFAIL, upon which clients ask again. */
export async function startDns(config: DnsConfig, dependencies: DnsDependencies): Promise<RunningDns> {
  const { clock, random, logger } = dependencies;
  const zone = (config.zone ?? 'cluster.local').toLowerCase();
  const metrics = createDnsMetrics(dependencies.metrics, zone);
  const view = informerView(dependencies.informers);
  let isReady = false;
  view.synced().then(
    () => (isReady = true),
    (error: unknown) => logger.debug({ err: error }, 'stopped before the caches were complete'),
  );

  const addresses: UpstreamAddress[] = [];
  const named = config.upstreams;
  const fromHost = watchedResolvConf(config.resolvConf ?? '/etc/resolv.conf', clock, logger);
  // A host whose resolver is this server must not make it ask itself.
  const isSelf = (one: UpstreamAddress): boolean =>
    addresses.some(({ address, port }) => port === one.port && (address === one.address || address === '0.0.0.0'));
  const upstreams = async (): Promise<ReturnType<typeof createUpstream>[]> =>
    (named ?? (await fromHost())).filter((one) => !isSelf(one)).map((one) => createUpstream(one, clock));

  const forwarding: readonly Handler[] = [
    cache({
      maxEntries: 4096,
      maxTtl: 30,
      monotonic: () => clock.monotonic(),
      onLookup: (isHit) => metrics.cacheLookup(isHit),
    }),
    forward({ upstreams, clock, maxExchanges: 1000, maxWaiting: 2000, maxWaitingPerSource: 500 }),
  ];
  // The whole server, in the order in which a query passes through it.
  const handlers: readonly Handler[] = [
    ednsVersion,
    internetOnly,
    kubernetes({
      zone,
      ttl: config.ttl ?? 5,
      nameServerAddresses: config.listen
        .map(({ address }) => address)
        .filter((address) => ipFamily(address) !== undefined),
      view,
      isReady: () => isReady,
      resolve: (name, type, source) => resolveAddresses(chain(forwarding), name, type, source),
      now: () => Math.floor(clock.now() / 1000),
      random,
    }),
    ...forwarding,
  ];

  const server = new DnsServer({ handle: chain(handlers), zone, clock, logger, metrics });
  try {
    for (const one of config.listen) addresses.push({ address: one.address, port: await server.listen(one) });
  } catch (error) {
    await server.stop();
    throw error;
  }
  let stopped: Promise<void> | undefined;
  return { name: 'dns', addresses, stop: () => (stopped ??= server.stop()) };
}
