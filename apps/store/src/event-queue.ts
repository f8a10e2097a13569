import { type KeyValueStore, type StoreEvent, type Watch, type WatchRequest } from '#store';

/** More than this is left to the store's history until it is asked for. */
const MAX_WAITING = 1_000;

/** A watch that is read as a loop reads: each event once and in order, and no more of them held than a loop can be behind. */
export async function* eventsOf(
  store: KeyValueStore,
  request: WatchRequest & { readonly startRevision: number },
  signal: AbortSignal,
): AsyncGenerator<StoreEvent, never, undefined> {
  let waiting: StoreEvent[] = [];
  let next = request.startRevision;
  let watch: Watch | undefined;
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  const stop = (): void => {
    watch?.cancel();
    watch = undefined;
  };
  const fail = (error: Error): void => {
    failure = error;
    stop();
    wake();
  };
  const start = (): Watch =>
    store.watch(
      { ...request, startRevision: next },
      {
        onBatch: ({ revision, events }) => {
          waiting.push(...events);
          next = revision + 1;
          if (waiting.length > MAX_WAITING) stop();
          wake();
        },
        onEnd: fail,
      },
    );
  const onAbort = (): void => fail(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    for (;;) {
      const events = waiting;
      waiting = [];
      yield* events;
      if (failure !== undefined) throw failure;
      if (waiting.length > 0) continue;
      watch ??= start();
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (waiting.length > 0 || failure !== undefined) resolve();
      });
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    stop();
  }
}
