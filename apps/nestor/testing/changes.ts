import { type KeyValueStore } from '#store';

/** Tells that the store has changed. */
export class Changes {
  private reached = 0;
  private readonly waiting = new Set<() => void>();
  private readonly watch;

  /** @param onChange called for each write */
  constructor(store: KeyValueStore, onChange: () => void) {
    this.watch = store.watch(
      { key: '\0', rangeEnd: '\0' },
      {
        onBatch: ({ revision }) => {
          this.reached = revision;
          onChange();
          for (const wake of [...this.waiting]) wake();
        },
        // The store is closed.
        onEnd: () => undefined,
      },
    );
  }

  get revision(): number {
    return this.reached;
  }

  /** Resolves to true once there is a later revision, or to false after `ms` of real time. */
  after(revision: number, ms: number): Promise<boolean> {
    if (this.reached > revision) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (hasChanged: boolean): void => {
        clearTimeout(limit);
        this.waiting.delete(wake);
        resolve(hasChanged);
      };
      const wake = (): void => end(true);
      const limit = setTimeout(() => end(false), Math.max(0, ms));
      this.waiting.add(wake);
    });
  }

  /** Whoever waits looks a last time. */
  stop(): void {
    this.watch.cancel();
    this.reached++;
    for (const wake of [...this.waiting]) wake();
  }
}
