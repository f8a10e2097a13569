import { type Bus, type EventMessage } from '#bus';

export interface QuiescenceOptions {
  /** No component has anything in work. */
  readonly isIdle: () => boolean;
  /** Milliseconds of real time, from any origin. */
  readonly now: () => number;
}

/**
 * How often in a row the event loop has to come round without anything happening. Work goes on from one turn to the next (the scheduler's
 * slices, the store's pages), never skipping one.
 */
const QUIET_TURNS = 4;
/** What is in work and has not moved for so long waits for time to pass, which is what `settle` is called for. In real time. */
const STALLED_MS = 25;

/**
 * Tells when a cluster in this process has come to rest: no request is under way on the bus, no message is being handled, no queue has a
 * key in work, and the event loop comes round without a write, a request or an event. Empty intervals, which say that nothing has
 * happened, are nothing.
 */
export class Quiescence {
  /** Counts everything that happens. */
  private moves = 0;
  /** Requests and messages. */
  private underWay = 0;
  /** `moves` when what is in work was found to wait for time. */
  private stalledAt = -1;

  constructor(private readonly options: QuiescenceOptions) {}

  /** Something has happened. */
  moved(): void {
    this.moves++;
  }

  /** The same bus, watched. */
  watch(bus: Bus): Bus {
    return {
      publish: (subject, payload) => {
        if ((payload as Partial<EventMessage>).events?.length !== 0) this.moves++;
        bus.publish(subject, payload);
      },
      subscribe: (subject, handler, options) =>
        bus.subscribe(
          subject,
          (message) => {
            const pending = handler(message);
            return pending === undefined ? undefined : this.during(pending);
          },
          options,
        ),
      request: (subject, payload, options) => this.during(bus.request(subject, payload, options)),
      serve: (subject, queue, handler) => bus.serve(subject, queue, handler),
      flush: () => bus.flush(),
      close: () => bus.close(),
    };
  }

  /** Resolves when the cluster is at rest, or only waits for its clock. */
  async settle(): Promise<void> {
    let seen = this.moves;
    let movedAt = this.options.now();
    for (let quiet = 0; quiet < QUIET_TURNS;) {
      await nextTurn();
      if (this.moves !== seen) {
        seen = this.moves;
        movedAt = this.options.now();
        quiet = 0;
      } else if ((this.underWay === 0 && this.options.isIdle()) || this.stalledAt === seen) {
        quiet++;
      } else {
        quiet = 0;
        if (this.options.now() - movedAt > STALLED_MS) this.stalledAt = seen;
      }
    }
  }

  private async during<T>(work: Promise<T>): Promise<T> {
    this.underWay++;
    this.moves++;
    try {
      return await work;
    } finally {
      this.underWay--;
      this.moves++;
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
