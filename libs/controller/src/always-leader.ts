import { type LeaderElector } from './leader-elector';

/**
 * The elector of a component that has no replicas: leads at once and until stopped. In one process the lock on the data
 * directory stands guard. Each component needs one of its own, since `stop` ends every `run`.
 */
export function alwaysLeader(): LeaderElector {
  const controller = new AbortController();
  const runs = new Set<Promise<void>>();
  return {
    run(lead) {
      if (controller.signal.aborted) return Promise.resolve();
      const stopped = new Promise<void>((resolve) => {
        controller.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      const run = Promise.all([lead(controller.signal, 0), stopped]).then(() => undefined);
      runs.add(run);
      return run;
    },
    async stop() {
      controller.abort(new Error('stopped'));
      await Promise.allSettled(runs);
    },
  };
}
