import { type INestApplicationContext, type Type } from '@nestjs/common';
import { DiscoveryService, NestFactory } from '@nestjs/core';
import { type Resource } from '#api';
import { type Clock, type KubernetesObject } from '#machinery';
import { type RunningComponent } from '#telemetry';
import { ControllerModule } from './controller.module';
import { type ControllerDependencies } from './dependencies';
import { type Informer, type InformerFactory } from './informer';
import { type Reconciler, type ReconcilerOptions, reconcilerOptions } from './reconciler';
import { runReconciler } from './run-reconciler';
import { Watches } from './watches';
import { WorkQueue } from './work-queue';
import { workQueueMetrics } from './work-queue-metrics';

export interface ControllerOptions {
  /** `replicaset-controller`: in logs and as the component's name. */
  readonly name: string;
  /** The app's Nest module; each provider decorated with `@Reconciler` gets a queue and workers. */
  readonly module: Type<unknown>;
  readonly dependencies: ControllerDependencies;
  /** For `@InjectConfig()`. */
  readonly config?: object;
  /** How long `stop` waits for passes in flight. Default 5 s. */
  readonly stopTimeoutMs?: number;
}

/**
 * Starts a controller: builds its Nest application context, connects its reconcilers to informers, and works their queues off
 * while this replica leads and its informers have synced. Resolves without waiting for either.
 */
export async function startController(options: ControllerOptions): Promise<RunningComponent> {
  const { dependencies, name } = options;
  const informers = new TrackedInformers(dependencies.informers);
  const context = await NestFactory.createApplicationContext(
    ControllerModule.root(options.module, { ...dependencies, informers }, options.config ?? {}),
    { logger: false, abortOnError: false },
  );
  const parts = findReconcilers(context).map(({ reconciler, settings }) =>
    connect(reconciler, settings, dependencies, informers),
  );

  const leading = dependencies.elector.run(async (signal, since) => {
    // What the leader before this one did must be in the caches, or it would be done again.
    await untilAborted(informers.synced(since), signal);
    if (signal.aborted) return;
    dependencies.logger.info({ controller: name }, 'leading');
    await Promise.all(parts.map((part) => part.lead(signal)));
  });
  leading.catch((error: unknown) =>
    dependencies.logger.error({ controller: name, err: error }, 'leader election ended'),
  );

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    for (const { watches } of parts) watches.close();
    const ended = Promise.allSettled([dependencies.elector.stop(), leading]);
    if (!(await atMost(dependencies.clock, options.stopTimeoutMs ?? 5000, ended))) {
      dependencies.logger.warn({ controller: name }, 'stopped without waiting for a pass that does not end');
    }
    for (const { close } of parts) close();
    await context.close();
  };
  const isIdle = (): boolean => parts.every((part) => part.isIdle());
  return { name, isIdle, stop: () => (stopped ??= stop()) };
}

interface Part {
  readonly watches: Watches;
  /** Works until the signal aborts and the last pass has returned. */
  readonly lead: (signal: AbortSignal) => Promise<void>;
  readonly close: () => void;
  readonly isIdle: () => boolean;
}

/**
 * Connects one reconciler to its informers. Every term has a queue of its own, which starts with all that there is, as a process
 * does: a replica that stands by gathers nothing but what its informers hold.
 */
function connect(
  reconciler: Reconciler,
  settings: ReconcilerOptions,
  dependencies: ControllerDependencies,
  informers: InformerFactory,
): Part {
  const { clock, random, logger } = dependencies;
  const metrics = workQueueMetrics(dependencies.metrics, settings.name);
  let queue: WorkQueue | undefined;
  const watches = new Watches(informers, {
    add: (key) => queue?.add(key),
    addAfter: (key, milliseconds) => queue?.addAfter(key, milliseconds),
  });
  reconciler.watch?.(watches);
  const close = (): void => {
    queue?.close();
    queue = undefined;
  };
  const lead = async (signal: AbortSignal): Promise<void> => {
    const own = (queue = new WorkQueue({ clock, random, metrics }));
    reconciler.lead?.(signal);
    watches.replay();
    const { workers = 8, name } = settings;
    await runReconciler({ reconciler, queue: own, workers, logger: logger.child({ controller: name }) }, signal);
    close();
  };
  return { watches, lead, close, isIdle: () => queue?.idle ?? true };
}

function findReconcilers(
  context: INestApplicationContext,
): { readonly reconciler: Reconciler; readonly settings: ReconcilerOptions }[] {
  return context
    .get(DiscoveryService)
    .getProviders()
    .flatMap(({ instance, metatype }: { instance?: unknown; metatype?: unknown }) => {
      const settings = typeof metatype === 'function' ? reconcilerOptions(metatype) : undefined;
      return settings === undefined || instance === undefined ? [] : [{ reconciler: instance as Reconciler, settings }];
    });
}

/** Remembers which informers this controller asked for: those, and not its neighbours', have to be in sync. */
class TrackedInformers implements InformerFactory {
  private readonly used = new Set<Informer<KubernetesObject>>();

  constructor(private readonly factory: InformerFactory) {}

  informer<T extends KubernetesObject>(
    resource: Resource<T>,
    options?: { readonly fieldSelector?: string },
  ): Informer<T> {
    const informer = this.factory.informer(resource, options);
    this.used.add(informer);
    return informer;
  }

  async synced(revision = 0): Promise<void> {
    await Promise.all([...this.used].map((informer) => informer.waitFor(revision)));
  }

  /** The informers are shared: whoever made the factory stops it. */
  stop(): Promise<void> {
    return Promise.resolve();
  }
}

function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve();
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    promise
      .then(resolve, (error: unknown) => {
        if (signal.aborted) resolve();
        else reject(error instanceof Error ? error : new Error(String(error)));
      })
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** False when the time is over first. */
function atMost(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(ms, () => resolve(false));
    void promise.then(() => {
      timer.cancel();
      resolve(true);
    });
  });
}
