import { type Reconciler, Watches, WorkQueue } from '#controller';
import { settle } from './fake-clock';
import { type FakeCluster } from './fake-cluster';

export interface ReconcilerRun {
  readonly queue: WorkQueue;
  /** Reconciles until nothing waits (delayed keys do not count). Rejects with the first error of a pass. */
  settled(): Promise<void>;
  /** Cancels delayed keys. */
  stop(): void;
}

/** Connects a reconciler to the cluster; `settled` then works off what its watches asked for, one key at a time. */
export function startReconciler(cluster: FakeCluster, reconciler: Reconciler): ReconcilerRun {
  const queue = new WorkQueue({ clock: cluster.clock, random: () => 0.5 });
  const watches = new Watches(cluster.informers, queue);
  reconciler.watch?.(watches);
  const controller = new AbortController();
  reconciler.lead?.(controller.signal);
  return {
    queue,
    async settled() {
      for (let passes = 0; ; passes++) {
        await settle();
        if (queue.length === 0) return;
        if (passes > 1000) throw new Error('the reconciler does not come to rest');
        const key = await queue.take();
        if (key === undefined) return;
        try {
          const result = await reconciler.reconcile(key, controller.signal);
          if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs);
        } finally {
          queue.done(key);
        }
      }
    },
    stop() {
      controller.abort(new Error('stopped'));
      watches.close();
      queue.close();
    },
  };
}
