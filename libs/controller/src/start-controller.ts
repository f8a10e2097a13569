import { type INestApplicationContext, type Type } from '@nestjs/common';
import { DiscoveryService, NestFactory } from '@nestjs/core';
import { type Resource } from '#api';
import { type Clock, type KubernetesObject } from '#machinery';
import { type RunningComponent } from '#telemetry';
import { ControllerModule } from './controller.module';
import { type ControllerDependencies } from './dependencies';
import { type Informer, type InformerFactory } from './informer';
import { type Reconciler, type ReconcilerOptions, reconcilerOptions } from './reconciler';
import { type ReconcilerRun, runReconciler } from './run-reconciler';
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

  const leading = dependencies.elector.run(async (signal) => {
    await untilAborted(informers.synced(), signal);
    if (signal.aborted) return;
    dependencies.logger.info({ controller: name }, 'leading');
    await Promise.all(parts.map(({ run }) => runReconciler(run, signal)));
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
    for (const { run } of parts) run.queue.close();
    await context.close();
  };
  return { name, stop: () => (stopped ??= stop()) };
}

/** Connects one reconciler to its informers through a queue of its own. */
function connect(
  reconciler: Reconciler,
  settings: ReconcilerOptions,
  dependencies: ControllerDependencies,
  informers: InformerFactory,
): { readonly run: ReconcilerRun; readonly watches: Watches } {
  const { clock, random, metrics, logger } = dependencies;
  const queue = new WorkQueue({ clock, random, metrics: workQueueMetrics(metrics, settings.name) });
  const watches = new Watches(informers, queue);
  reconciler.watch?.(watches);
  const run = {
    reconciler,
    queue,
    workers: settings.workers ?? 8,
    logger: logger.child({ controller: settings.name }),
  };
  return { run, watches };
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

  async synced(): Promise<void> {
    await Promise.all([...this.used].map((informer) => informer.waitFor(0)));
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
