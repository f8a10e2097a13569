import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Bus, type BusIdentity, type BusTls, createNatsBus } from '#bus';
import { createBusClient, obtainBusIdentity } from '#client';
import { alwaysLeader, createInformerFactory, type LeaderElector, leaseElector } from '#controller';
import { Registry } from '#telemetry';
import { ClientFactory } from './client-factory';
import { type busSettings, type electionSettings, type natsSettings } from './common-settings';
import { componentIdentity, processUser } from './components';
import { ComponentDependencies } from './component-dependencies';
import { users } from './identities';
import { type ProcessContext } from './process-context';
import { SettingsError } from './settings';

type BusProcess = ProcessContext<typeof natsSettings>;
type Process = ProcessContext<typeof busSettings>;
type ElectedProcess = ProcessContext<typeof busSettings & typeof electionSettings>;

const DEFAULT_NATS = 'nats://127.0.0.1:4222';

/** Who a process is on the bus, and on whose behalf it may speak there. */
export interface ProcessIdentity {
  /** The connection's owner; absent where the bus knows no identities. */
  readonly bus?: BusIdentity;
  /** Servers of NATS, where NATS_URL does not name them. */
  readonly servers?: readonly string[];
  /** User of the API that informers read as. */
  readonly readsAs: string;
  /** What to show the broker, if it is not TLS_CERT_FILE. Asked for at every connect. */
  readonly tls?: () => BusTls;
}

/**
 * Connects to the broker, however long that takes. Without an identity the broker must be on this machine: whoever reaches it could be
 * anybody. The connection is closed last, after everything that was sent has left.
 */
export async function connectBus(process: BusProcess, who: Omit<ProcessIdentity, 'readsAs'> = {}): Promise<Bus> {
  const { name, settings, logger, add, signal } = process;
  const { bus: identity, tls = ownTls(process) } = who;
  const servers = settings.NATS_URL ?? (who.servers?.length ? who.servers : [DEFAULT_NATS]);
  const remote = servers.find((server) => !isLoopback(server));
  if (identity === undefined && remote !== undefined) {
    throw new SettingsError([
      `NATS_URL is ${remote}, but without an identity (API_SERVERS, TLS_CERT_FILE) NATS must be on 127.0.0.1.`,
    ]);
  }
  logger.info({ servers }, 'connecting to NATS');
  const connecting = createNatsBus({
    servers,
    name: `${name} on ${hostname()}`,
    logger,
    ...(identity === undefined ? {} : { identity, ...(tls === undefined ? {} : { tls }) }),
  });
  const bus = await untilAborted(connecting, signal);
  const close = async (): Promise<void> => {
    await bus.flush();
    await bus.close();
  };
  add({ name: 'bus', stop: close });
  return bus;
}

/** What a component of which any number may act at once needs of the others. @param identity absent: the component's own */
export async function connect(process: Process, identity?: ProcessIdentity): Promise<ComponentDependencies> {
  const who = identity ?? (await ownIdentity(process));
  const bus = await connectBus(process, who);
  const clients = new ClientFactory({ bus, clock: process.clock, random: process.random, ...senderOf(who) });
  return dependencies(process, bus, clients, who, alwaysLeader);
}

/**
 * The same for a component of which one replica acts: it competes for the lease `kube-system/<name>` as `user`, and all of its writes
 * carry the term in which it leads.
 */
export async function connectElected(process: ElectedProcess, user: string): Promise<ComponentDependencies> {
  const { name, settings, clock, random, logger } = process;
  const [leaseDurationMs, renewDeadlineMs] = [settings.LEASE_DURATION, settings.RENEW_DEADLINE];
  if (renewDeadlineMs >= leaseDurationMs) {
    throw new SettingsError(['RENEW_DEADLINE must be less than LEASE_DURATION, or two could lead at once.']);
  }
  const who = await ownIdentity(process);
  const bus = await connectBus(process, who);
  const elector = leaseElector({
    client: createBusClient({
      bus,
      user,
      ...senderOf(who),
      clock,
      random,
      userAgent: `${name}/v1.36.2`,
      deadlineMs: renewDeadlineMs / 2,
    }),
    lease: { namespace: 'kube-system', name },
    identity: `${hostname()}_${randomUUID()}`,
    clock,
    random,
    logger,
    leaseDurationMs,
    renewDeadlineMs,
    retryPeriodMs: settings.RETRY_PERIOD,
  });
  const clients = new ClientFactory({ bus, clock, random, fence: () => elector.fence?.(), ...senderOf(who) });
  return dependencies(process, bus, clients, who, () => elector);
}

/** By the certificate of the process, if there are gateways to show it to. */
async function ownIdentity(process: Process): Promise<ProcessIdentity> {
  const { name, settings, clock, random, logger, signal } = process;
  const readsAs = componentIdentity(name)?.readsAs ?? users.informers;
  const { API_SERVERS: apiServers, TLS_CA_FILE: ca, TLS_CERT_FILE: certificatePem, TLS_KEY_FILE: keyPem } = settings;
  if (apiServers === undefined) return { readsAs };
  if (ca === undefined || certificatePem === undefined || keyPem === undefined) {
    throw new SettingsError(['API_SERVERS is set: TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE must be, too.']);
  }
  logger.info({ servers: apiServers }, 'asking for credentials for the bus');
  const bus = await obtainBusIdentity({
    servers: apiServers,
    tls: () => ({ caPem: ca, certificatePem, keyPem }),
    user: processUser(name),
    userAgent: `${name}/v1.36.2`,
    clock,
    random,
    logger,
    signal,
  });
  process.add({ name: 'bus identity', stop: () => Promise.resolve(bus.stop()) });
  return { bus, readsAs, servers: bus.servers };
}

function ownTls({ settings }: BusProcess): (() => BusTls) | undefined {
  const { TLS_CA_FILE: caPem, TLS_CERT_FILE: certificatePem, TLS_KEY_FILE: keyPem } = settings;
  return caPem === undefined ? undefined : () => ({ caPem, certificatePem, keyPem });
}

function senderOf({ bus }: ProcessIdentity): { sender?: string } {
  return bus === undefined ? {} : { sender: bus.user };
}

function isLoopback(server: string): boolean {
  const { hostname: host } = new URL(server);
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}

function dependencies(
  process: Process,
  bus: Bus,
  clients: ClientFactory,
  { readsAs }: ProcessIdentity,
  elector: () => LeaderElector,
): ComponentDependencies {
  const { clock, random, logger } = process;
  const informers = createInformerFactory({
    bus,
    client: clients.as(readsAs, process.name),
    clock,
    random,
    logger,
  });
  process.add({ name: 'informers', stop: () => informers.stop() });
  process.ready('informer-sync', () => {
    const missing = informers.unsynced();
    if (missing.length > 0) throw new Error(`not in sync yet: ${missing.join(', ')}`);
  });
  process.page('/debug/informers', () => informers.dump());
  // The first component's metrics are the process's own; further ones of its kind (simulated nodes) serve theirs themselves.
  const registries = [process.metrics];
  return process.add(
    new ComponentDependencies({
      clients,
      informers,
      clock,
      random,
      logger,
      elector,
      metrics: () => registries.pop() ?? new Registry(),
    }),
  );
}

/** Rejects when the process is told to stop first; a connection that comes too late is closed. */
function untilAborted(connecting: Promise<Bus>, signal: AbortSignal): Promise<Bus> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    connecting.then((bus) => {
      signal.removeEventListener('abort', onAbort);
      if (signal.aborted) void bus.close();
      resolve(bus);
    }, reject);
  });
}
