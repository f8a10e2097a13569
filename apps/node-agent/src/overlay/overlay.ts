import { resources } from '#api';
import { type InformerFactory, WorkQueue, runReconciler } from '#controller';
import { type Clock } from '#machinery';
import { computeOverlay, type OverlayOptions } from '#network';
import { type Logger, type RunningComponent } from '#telemetry';
import { type OverlayHost } from './overlay-host';

export interface OverlayDependencies {
  readonly informers: InformerFactory;
  readonly host: OverlayHost;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

const KEY = 'overlay';
/** Somebody else may have changed the routes. */
const VERIFY_MS = 60_000;
/** The engine makes the pods' bridge when the first pod comes, or when it answers at all. */
const INCOMPLETE_MS = 1000;
const BASE_DELAY_MS = 250;
const MAX_DELAY_MS = 30_000;

/**
 * Keeps the host's routes to the pods of other hosts in agreement with the Node objects: one per network namespace of a host. They stay
 * when it stops, so that running pods go on being reached; `removeOverlay` takes them away.
 */
export async function createOverlay(options: OverlayOptions, deps: OverlayDependencies): Promise<RunningComponent> {
  const { informers, host, clock, random, logger } = deps;
  const stopping = new AbortController();
  const nodes = informers.informer(resources.nodes);
  const queue = new WorkQueue({ clock, random, baseDelayMs: BASE_DELAY_MS, maxDelayMs: MAX_DELAY_MS });
  let applied = { plan: '', at: -Infinity };
  const reconciler = {
    async reconcile() {
      // Before the cache is complete every host would look gone; the nodes call again when it is.
      if (!nodes.hasSynced()) return;
      const plan = computeOverlay(nodes.lister.list(), options);
      const text = JSON.stringify(plan);
      // Most changes of nodes say only that they are alive.
      const age = clock.monotonic() - applied.at;
      if (text === applied.plan && age < VERIFY_MS) return { requeueAfterMs: VERIFY_MS - age };
      applied = { plan: '', at: -Infinity };
      if (!(await host.apply(plan))) return { requeueAfterMs: INCOMPLETE_MS };
      applied = { plan: text, at: clock.monotonic() };
      return { requeueAfterMs: VERIFY_MS };
    },
  };
  const look = (): void => queue.add(KEY);
  const removeHandler = nodes.addHandler({ onAdd: look, onUpdate: look, onDelete: look });
  nodes.waitFor(0).then(look, (error: unknown) => {
    if (!stopping.signal.aborted) logger.error({ err: error }, 'the overlay has lost its informer');
  });
  const running = runReconciler({ reconciler, queue, workers: 1, logger }, stopping.signal);
  const stop = async (): Promise<void> => {
    removeHandler();
    stopping.abort(new Error('stopped'));
    queue.close();
    await running;
  };
  let stopped: Promise<void> | undefined;
  return { name: KEY, stop: () => (stopped ??= stop()) };
}
