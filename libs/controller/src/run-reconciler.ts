import { setMaxListeners } from 'node:events';
import { hasReason } from '#machinery';
import { type Logger } from '#telemetry';
import { type Reconciler } from './reconciler';
import { type WorkQueue } from './work-queue';

export interface ReconcilerRun {
  readonly reconciler: Reconciler;
  readonly queue: WorkQueue;
  readonly workers: number;
  readonly logger: Logger;
}

/** Works the queue off until the signal aborts; resolves when the last pass has returned. Never rejects. */
export async function runReconciler(run: ReconcilerRun, signal: AbortSignal): Promise<void> {
  // Every waiting worker listens: many listeners are no leak here.
  setMaxListeners(0, signal);
  await Promise.all(Array.from({ length: run.workers }, () => work(run, signal)));
}

async function work(run: ReconcilerRun, signal: AbortSignal): Promise<void> {
  for (;;) {
    const key = await run.queue.take(signal);
    if (key === undefined) return;
    await reconcileOnce(run, key, signal);
  }
}

async function reconcileOnce(run: ReconcilerRun, key: string, signal: AbortSignal): Promise<void> {
  const { queue, reconciler, logger } = run;
  try {
    const result = await reconciler.reconcile(key, signal);
    queue.forget(key);
    if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs);
  } catch (error) {
    if (hasReason(error, 'Conflict', 'NotFound')) logger.debug({ key, error }, 'lost a race, looking again');
    else if (!signal.aborted)
      logger.warn({ key, err: error, failures: queue.failuresOf(key) + 1 }, 'reconciling failed');
    queue.addRateLimited(key);
  } finally {
    queue.done(key);
  }
}
