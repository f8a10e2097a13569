import { setMaxListeners } from 'node:events';
import { isIP } from 'node:net';
import { type RunningComponent } from '#telemetry';
import { StoreError } from '#store';
import { Admission } from './admission';
import { Authenticator } from './authenticator';
import {
  DEFAULT_MAX_REQUEST_BYTES,
  DEFAULT_PROGRESS_NOTIFY_MS,
  GRPC_OVERHEAD_BYTES,
  type StoreServerConfig,
  type StoreServerDependencies,
} from './config';
import { Gateway } from './gateway/gateway';
import { GrpcServer } from './grpc/grpc-server';
import { Member } from './member';
import { createStoreServerMetrics } from './metrics';
import { Rpc } from './rpc';
import { servedMethods } from './served-methods';
import { SharedPort } from './shared-port';

export interface RunningStoreServer extends RunningComponent {
  /** `host:port`, with the port that was picked. */
  readonly address: string;
}

/** Rejects if the configuration makes no sense or is not safe, or if the port is taken. */
export async function startStoreServer(
  config: StoreServerConfig,
  { store, clock, logger, metrics: registry }: StoreServerDependencies,
): Promise<RunningStoreServer> {
  checkSafe(config);
  const { administration } = store;
  const member = await Member.of(store);
  const metrics = createStoreServerMetrics(registry, store, clock);
  const stopping = new AbortController();
  // One listener a watch stream.
  setMaxListeners(0, stopping.signal);
  const authenticator = new Authenticator(store, administration);
  const admission = administration && new Admission(clock, () => administration.standing);
  const rpc = new Rpc({ authenticator, admission, metrics, logger, stopping: stopping.signal });
  const { progressNotifyMs = DEFAULT_PROGRESS_NOTIFY_MS, maxRequestBytes = DEFAULT_MAX_REQUEST_BYTES } = config;
  const watching = { store, member, clock, metrics, progressNotifyMs };
  let address = '';
  const clientUrl = (): string => `${config.tls ? 'https' : 'http'}://${address}`;
  const methods = servedMethods({ store, member, watching, clientUrl });

  const maxMessageBytes = maxRequestBytes + GRPC_OVERHEAD_BYTES;
  rpc.register(methods);
  const grpc = new GrpcServer({ clock, logger, maxMessageBytes, onCall: (path, call) => rpc.serve(path, call) });
  const gateway = new Gateway({
    methods,
    authenticator,
    admission,
    member,
    rpc,
    metrics,
    registry,
    stopping: stopping.signal,
    hasAlarms: () => administration !== undefined && administration.alarms().length > 0,
    maxRequestBytes: maxMessageBytes,
  });
  const port = new SharedPort({
    tls: config.tls,
    onHttp2: (socket) => grpc.accept(socket),
    onHttp1: (socket) => gateway.accept(socket),
    onRefused: (names) => logger.warn({ names }, 'a client was refused: its certificate is for something else'),
  });
  const host = isIP(config.host) === 6 ? `[${config.host}]` : config.host;
  address = `${host}:${await port.listen(config.host, config.port)}`;
  logger.info({ address }, 'serving');

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopping.abort(new StoreError('closed', 'etcdserver: server stopped'));
    port.close();
    await grpc.stop();
    await port.destroy();
  };
  return { name: 'store', address, stop: () => (stopped ??= stop()) };
}

/** Who reaches the port has it all, unless it is told who they are. */
function checkSafe({ host, tls }: StoreServerConfig): void {
  if (tls?.clientCaPem !== undefined || isLoopback(host)) return;
  throw new Error(
    `the store holds every secret of the cluster: on ${host} it is served only to clients with certificates`,
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
