import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Bus, createNatsBus } from '#bus';
import { createBusClient } from '#client';
import { alwaysLeader, createInformerFactory, type LeaderElector, leaseElector } from '#controller';
import { Registry } from '#telemetry';
import { ClientFactory } from './client-factory';
import { type busSettings, type electionSettings } from './common-settings';
import { ComponentDependencies } from './component-dependencies';
import { users } from './identities';
import { type ProcessContext } from './process-context';
import { SettingsError } from './settings';

type Process = ProcessContext<typeof busSettings>;
type ElectedProcess = ProcessContext<typeof busSettings & typeof electionSettings>;

/**
 * Connects to the broker, however long that takes. The one place that knows how a process proves to the broker who it is.
 * The connection is closed last, after everything that was sent has left.
 */
export async function connectBus({ name, settings, logger, add, signal }: Process): Promise<Bus> {
  logger.info({ servers: settings.NATS_URL }, 'connecting to NATS');
  const connecting = createNatsBus({ servers: settings.NATS_URL, name: `${name} on ${hostname()}`, logger });
  const bus = await untilAborted(connecting, signal);
  const close = async (): Promise<void> => {
    await bus.flush();
    await bus.close();
  };
  add({ name: 'bus', stop: close });
  return bus;
}

/** What a component of which any number may act at once needs of the others. */
export async function connect(process: Process): Promise<ComponentDependencies> {
  const bus = await connectBus(process);
  const clients = new ClientFactory({ bus, clock: process.clock, random: process.random });
  return dependencies(process, bus, clients, alwaysLeader);
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
  const bus = await connectBus(process);
  const elector = leaseElector({
    client: createBusClient({
      bus,
      user,
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
  const clients = new ClientFactory({ bus, clock, random, fence: () => elector.fence?.() });
  return dependencies(process, bus, clients, () => elector);
}

function dependencies(
  process: Process,
  bus: Bus,
  clients: ClientFactory,
  elector: () => LeaderElector,
): ComponentDependencies {
  const { clock, random, logger } = process;
  const informers = createInformerFactory({
    bus,
    client: clients.as(users.informers, process.name),
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
