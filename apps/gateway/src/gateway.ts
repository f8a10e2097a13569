import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Bus, createInProcessBus } from '#bus';
import { nodeRules, resources } from '#api';
import { createBusClient, type ObjectClient } from '#client';
import { alwaysLeader, type LeaderElector } from '#controller';
import { type Clock, delay, systemClock } from '#machinery';
import { createTokenIssuer, createTokenVerifier } from '#pki';
import { type KeyValueStore } from '#store';
import { type Logger, type RunningComponent } from '#telemetry';
import { AdmissionChain } from './admission/admission';
import { admissionPlugins } from './admission/plugins';
import { ServiceAllocator } from './allocation/service-allocator';
import { formatAddress, parseCidr } from './allocation/service-cidr';
import { ApiServer } from './api/api-server';
import { healthChecks, healthRoute } from './api/health';
import { GatewayMetrics } from './api/metrics';
import { openApiRoute } from './api/openapi';
import { Patcher } from './api/patcher';
import { issuerRoute } from './api/issuer';
import { indexRoute } from './api/path-index';
import { PathHandler, discoveryRoute } from './api/paths';
import { ResourceHandlers } from './api/resource-handlers';
import { ResourceTable } from './api/resource-table';
import { subresourceHandlers } from './api/subresource-list';
import { versionRoute } from './api/version';
import { Authenticator } from './authn/authenticator';
import { BootstrapTokenAuthenticator } from './authn/bootstrap-tokens';
import { ServiceAccountTokenAuthenticator } from './authn/service-account-tokens';
import { StaticTokenAuthenticator } from './authn/static-tokens';
import { AllowedPaths } from './authz/allowed-paths';
import { GraphFeed } from './authz/node/graph-feed';
import { NodeAuthorizer } from './authz/node/node-authorizer';
import { RbacAuthorizer } from './authz/rbac-authorizer';
import { UnionAuthorizer } from './authz/union-authorizer';
import { Bootstrap } from './bootstrap/bootstrap';
import { ClusterInfoKeeper } from './bootstrap/cluster-info';
import { onceStoreAnswers } from './bootstrap/once-store-answers';
import { Keeper } from './bootstrap/keeper';
import { ensureKubernetesService, isReachable } from './bootstrap/kubernetes-service';
import { LiveGateways } from './bootstrap/live-gateways';
import { serveBus } from './bus/bus-adapter';
import { busCredentialsPath, busCredentialsRoute } from './bus/bus-credentials';
import { EventPublisher } from './bus/event-publisher';
import { CacheFeed } from './cache/cache-feed';
import { type GatewayConfig } from './config';
import { HttpAdapter } from './http/http-adapter';
import { Listener, createAdapter } from './http/server';
import { Freshness } from './registry/freshness';
import { Reader } from './registry/reader';
import { Writer } from './registry/writer';
import { NodeConnection } from './streams/node-connection';
import { Backends } from './proxy/backends';
import { ProxyHandler } from './proxy/proxy-handler';
import { PodStreams } from './streams/pod-streams';
import { UpgradeProxy } from './streams/upgrade-proxy';
import { Compactor } from './storage/compactor';
import { LeasePool } from './storage/lease-pool';
import { ObjectStorage } from './storage/object-storage';

export interface GatewayDependencies {
  readonly store: KeyValueStore;
  readonly bus: Bus;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly random?: () => number;
  /**
   * Decides which of several gateways publishes events; gets a client that may do everything, past the bus. Default: this one does.
   */
  readonly publisherElector?: (client: ObjectClient) => LeaderElector;
}

export interface RunningGateway extends RunningComponent {
  /** `https://<host>:<port>`. */
  readonly url: string;
  readonly port: number;
}

/** How long requests in flight may take at stop. */
const drainMs = 5000;

@Module({})
class GatewayModule {}

/**
 * Starts the API server: loads its caches, makes sure of the default objects, then listens. Rejects if the store cannot be read
 * or the port is taken.
 */
export async function createGateway(config: GatewayConfig, deps: GatewayDependencies): Promise<RunningGateway> {
  const { store, bus, logger, clock = systemClock, random = Math.random } = deps;
  const { groupsOf = () => [] } = config;
  let stopping = false;
  const feed = new CacheFeed(store, clock, logger);
  const table = new ResourceTable(feed);
  await feed.start();

  const cacheOf = (definition: (typeof resources)[keyof typeof resources]) => table.require(definition).cache;
  const rbac = new RbacAuthorizer({
    roles: cacheOf(resources.roles),
    roleBindings: cacheOf(resources.roleBindings),
    clusterRoles: cacheOf(resources.clusterRoles),
    clusterRoleBindings: cacheOf(resources.clusterRoleBindings),
  });
  const nodeGraph = new GraphFeed(
    {
      pods: cacheOf(resources.pods),
      persistentvolumes: cacheOf(resources.persistentVolumes),
      volumeattachments: cacheOf(resources.volumeAttachments),
      resourceslices: cacheOf(resources.resourceSlices),
    },
    feed,
  );
  const decides = new UnionAuthorizer([new NodeAuthorizer(nodeGraph.graph, nodeRules()), rbac]);
  const authorizer = new AllowedPaths(new Set([busCredentialsPath]), decides);
  const { issuer, keyPem, verificationKeyPems = [], audiences } = config.serviceAccounts;
  const serviceAccountTokens = new ServiceAccountTokenAuthenticator(
    createTokenVerifier({ issuer, keyPems: [keyPem, ...verificationKeyPems], clock }),
    audiences,
    {
      serviceAccounts: cacheOf(resources.serviceAccounts),
      pods: cacheOf(resources.pods),
      secrets: cacheOf(resources.secrets),
    },
    () => clock.now(),
  );
  const authenticator = new Authenticator([
    new StaticTokenAuthenticator(config.tokens ?? []),
    new BootstrapTokenAuthenticator(cacheOf(resources.secrets), () => clock.now()),
    serviceAccountTokens,
  ]);

  const storage = new ObjectStorage(store, feed, new LeasePool(store, clock));
  const freshness = new Freshness(store, feed);
  const reader = new Reader(store, freshness, () => feed.revision);
  const admission = new AdmissionChain(admissionPlugins({ table, random, rbac, authorizer, reader }));
  const range = parseCidr(config.serviceCidr);
  const services = table.require(resources.services);
  const serviceAllocator = new ServiceAllocator(range, config.nodePortRange, services.cache, random);
  const writer = new Writer(storage, admission, clock, random, (resource) =>
    resource === services ? serviceAllocator : undefined,
  );
  const patcher = new Patcher(() => clock.now());
  const handlers = new ResourceHandlers({ feed, freshness, reader, writer, patcher, clock, random });
  const metrics = new GatewayMetrics(clock, function* () {
    for (const { definition, cache } of table.all) yield [definition.plural, cache.size] as const;
  });
  let address = '';
  const checks = healthChecks(
    async () => void (await store.range({ key: '/registry/', limit: 1, countOnly: true })),
    () => stopping,
  );
  const paths = new PathHandler([
    indexRoute(table, checks),
    discoveryRoute(table, () => address),
    openApiRoute(table),
    versionRoute({ gitCommit: '', buildDate: '1970-01-01T00:00:00Z' }),
    healthRoute(checks),
    issuerRoute({ issuer, keyPems: [keyPem, ...verificationKeyPems] }, () => address),
    metrics.route(),
    ...(config.bus === undefined ? [] : [busCredentialsRoute({ ...config.bus, groupsOf, authorizer, table, clock })]),
  ]);
  const nodes = new NodeConnection(table, config.agents);
  const proxy = new ProxyHandler(new Backends(table, reader, nodes, random));
  const subresources = subresourceHandlers({
    nodes,
    proxy,
    table,
    reader,
    writer,
    handlers,
    rbac,
    authorizer,
    admission,
    authenticator,
    serviceAccountTokens,
    tokenIssuer: createTokenIssuer({ issuer, keyPem, clock }),
    audiences,
    clock,
  });
  const api = new ApiServer(table, authorizer, handlers, subresources, paths);
  const http = new HttpAdapter(api, authenticator, clock, logger, metrics);

  const upgrades = new UpgradeProxy(api, table, new PodStreams(table, reader, nodes, logger), proxy, logger);

  const bootstrap = new Bootstrap(table, writer, logger);
  await onceStoreAnswers(() => bootstrap.run(), { clock, random, logger });

  const adapter = createAdapter(config, (request, response, url) => http.handle(request, response, url));
  const app = await NestFactory.create<NestFastifyApplication>(GatewayModule, adapter, {
    logger: false,
    abortOnError: false,
    bodyParser: false,
  });
  await app.init();
  const server = app.getHttpServer();
  const listener = new Listener(server, (request, socket, head) => upgrades.handle(http, request, socket, head));
  try {
    await app.listen(config.port, config.host);
  } catch (error) {
    // The port is taken: nothing of what was started may keep the process alive.
    feed.stop();
    await app.close();
    throw error;
  }
  const { port } = listener;
  address = `${config.advertise?.address ?? config.host}:${config.advertise?.port ?? port}`;

  const own = { address: config.advertise?.address ?? config.host, port: config.advertise?.port ?? port };
  const gateways = new LiveGateways(store, isReachable(own) ? own : undefined);
  const ensureService = async (): Promise<void> =>
    ensureKubernetesService(bootstrap, table, formatAddress(range.first + 1), own.port, await gateways.list());
  const clusterInfo = new ClusterInfoKeeper({
    server: config.clusterInfo?.server ?? `https://${address}`,
    authorityPem: config.clusterInfo?.authorityPem ?? config.tls.clientCaPem,
  });
  const keep = async (isStart: boolean): Promise<void> => {
    await gateways.renew();
    await bootstrap.ensureNamespaces();
    await ensureService();
    await clusterInfo.ensure(bootstrap, isStart);
  };
  await onceStoreAnswers(() => keep(true), { clock, random, logger });
  const keeper = new Keeper(() => keep(false), clock, logger);
  keeper.start();

  // Upstream's loopback client: its calls pass through everything that a request passes through, but not through the network.
  const loopback = createInProcessBus({ clock, random, logger });
  const loopbackServer = serveBus(loopback, api, () => ['system:masters'], metrics, feed);
  const client = createBusClient({
    bus: loopback,
    user: 'system:apiserver',
    clock,
    random,
    userAgent: 'kube-apiserver',
  });
  const publisher = new EventPublisher(bus, feed, table, clock);
  publisher.start();
  const elector = deps.publisherElector?.(client) ?? alwaysLeader();
  const publishing = elector.run((signal) => publisher.publish(signal));
  const busServer = serveBus(bus, api, groupsOf, metrics, feed);
  const compactor = new Compactor(store, clock, logger);
  compactor.start();
  logger.info({ port }, 'serving');

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopping = true;
    http.lastRequests();
    await delay(clock, config.shutdownDelayMs ?? 0);
    await keeper.stop();
    await gateways
      .leave()
      .then(ensureService)
      .catch((error: unknown) => logger.warn({ err: error }, 'still an endpoint of the API, until the lease runs out'));
    // The next publisher begins now, and this one's last intervals may still come: both is harmless.
    await elector.stop();
    await publishing;
    await busServer.drain(clock, drainMs);
    http.endWatches();
    upgrades.stop();
    await listener.close(drainMs);
    await app.close();
    await loopbackServer.drain(clock, drainMs);
    await loopback.close();
    publisher.stop();
    compactor.stop();
    nodeGraph.stop();
    feed.stop();
  };
  return {
    name: 'gateway',
    url: `https://${config.host}:${port}`,
    port,
    stop: () => (stopped ??= stop()),
  };
}
