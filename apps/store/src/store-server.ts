import { setMaxListeners } from 'node:events';
import { isIP } from 'node:net';
import { Server, ServerCredentials, type UntypedHandleCall, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { clusterService, kvService, leaseService, maintenanceService, watchService } from '#etcd';
import { type RunningComponent } from '#telemetry';
import { StoreError } from '#store';
import {
  DEFAULT_MAX_REQUEST_BYTES,
  DEFAULT_PROGRESS_NOTIFY_MS,
  GRPC_OVERHEAD_BYTES,
  type StoreServerConfig,
  type StoreServerDependencies,
} from './config';
import { clusterMethods } from './cluster-service';
import { serveKeepAlive } from './lease-keep-alive';
import { Member } from './member';
import { createStoreServerMetrics } from './metrics';
import { Rpc, type UnaryMethods } from './rpc';
import { kvMethods, leaseMethods, maintenanceMethods } from './unary-services';
import { serveWatch } from './watch/serve-watch';

export interface RunningStoreServer extends RunningComponent {
  /** `host:port`, with the port that was picked. */
  readonly address: string;
}

/** How long calls in flight may take at stop. */
const DRAIN_MS = 5_000;

/** Rejects if the configuration makes no sense or is not safe, or if the port is taken. */
export async function startStoreServer(
  config: StoreServerConfig,
  { store, cluster, clock, logger, metrics: registry }: StoreServerDependencies,
): Promise<RunningStoreServer> {
  const credentials = credentialsOf(config);
  const member = await Member.of(store);
  const metrics = createStoreServerMetrics(registry);
  const rpc = new Rpc(metrics, logger);
  const stopping = new AbortController();
  // One listener a watch stream.
  setMaxListeners(0, stopping.signal);
  const { progressNotifyMs = DEFAULT_PROGRESS_NOTIFY_MS, maxRequestBytes = DEFAULT_MAX_REQUEST_BYTES } = config;
  const watching = { store, member, clock, metrics, progressNotifyMs };

  const server = new Server({
    'grpc.max_receive_message_length': maxRequestBytes + GRPC_OVERHEAD_BYTES,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': 10_000,
    // A client that is gone without a word is noticed, and its watches with it.
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc-node.flow_control_window': 2 * 1024 * 1024,
  });
  let address = '';
  server.addService(kvService, unary(rpc, kvMethods(store, member)));
  server.addService(maintenanceService, unary(rpc, maintenanceMethods(member)));
  server.addService(
    clusterService,
    unary(
      rpc,
      clusterMethods(member, cluster, () => `${config.tls ? 'https' : 'http'}://${address}`),
    ),
  );
  server.addService(leaseService, {
    ...unary(rpc, leaseMethods(store, member)),
    leaseKeepAlive: rpc.stream((stream) => serveKeepAlive(stream, store, member)) as UntypedHandleCall,
  });
  server.addService(
    // The session encodes, because it has to know how many bytes a response takes.
    { watch: { ...watchService.watch, responseSerialize: (message: Buffer) => message } },
    { watch: rpc.stream((stream) => serveWatch(stream, watching, stopping.signal)) as UntypedHandleCall },
  );

  const host = isIP(config.host) === 6 ? `[${config.host}]` : config.host;
  address = `${host}:${await listen(server, `${host}:${config.port}`, credentials)}`;
  logger.info({ address }, 'serving');
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopping.abort(new StoreError('closed', 'etcdserver: server stopped'));
    await new Promise<void>((resolve, reject) => {
      const timer = clock.setTimer(DRAIN_MS, () => server.forceShutdown());
      server.tryShutdown((error) => {
        timer.cancel();
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  };
  return { name: 'store', address, stop: () => (stopped ??= stop()) };
}

function unary<Service>(rpc: Rpc, methods: UnaryMethods<Service>): UntypedServiceImplementation {
  const handlers = Object.entries(methods).map(([name, method]) => [
    name,
    rpc.unary(method as (request: unknown) => Promise<unknown>),
  ]);
  return Object.fromEntries(handlers) as UntypedServiceImplementation;
}

function listen(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => (error === null ? resolve(port) : reject(error)));
  });
}

function credentialsOf({ host, tls }: StoreServerConfig): ServerCredentials {
  if (tls?.clientCaPem === undefined && !isLoopback(host)) {
    throw new Error(
      `the store holds every secret of the cluster: on ${host} it is served only to clients with certificates`,
    );
  }
  if (tls === undefined) return ServerCredentials.createInsecure();
  const { certificatePem, keyPem, clientCaPem } = tls;
  const pair = { cert_chain: Buffer.from(certificatePem), private_key: Buffer.from(keyPem) };
  const clientCa = clientCaPem === undefined ? null : Buffer.from(clientCaPem);
  return ServerCredentials.createSsl(clientCa, [pair], clientCa !== null);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
